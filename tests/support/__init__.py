"""What tests share: second opinions, stories, servers, kept tables, hostile input."""
