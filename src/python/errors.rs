//! Errors become the classes of `watchspan.errors`, which are Python classes because those pickle.

use pyo3::PyErr;
use pyo3::exceptions::PyKeyboardInterrupt;

use crate::error::{Error, ErrorKind};

macro_rules! python_errors {
    ($($class:ident),+) => { $(pyo3::import_exception!(watchspan.errors, $class);)+ };
}

python_errors!(
    MissingColumnError,
    ColumnTypeError,
    OptionError,
    VocabularyError,
    DataError,
    SourceError,
    InternalError
);

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error.kind() {
            ErrorKind::MissingColumn => MissingColumnError::new_err(message),
            ErrorKind::ColumnType => ColumnTypeError::new_err(message),
            ErrorKind::Option => OptionError::new_err(message),
            ErrorKind::Vocabulary => VocabularyError::new_err(message),
            ErrorKind::Data => DataError::new_err(message),
            ErrorKind::Source => SourceError::new_err(message),
            ErrorKind::Interrupted => PyKeyboardInterrupt::new_err(message),
            ErrorKind::Internal => InternalError::new_err(message),
        }
    }
}
