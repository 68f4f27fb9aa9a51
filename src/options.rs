//! How options are defined: once, with name, type, default, range and meaning.

use crate::error::{Error, Result};

/// A value that an option can hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptionValue {
    /// A number.
    Number(f64),
    /// A switch.
    Switch(bool),
    /// Not set.
    Unset,
}

/// Which values an option accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Accepts {
    /// A switch.
    Switch,
    /// Any finite number.
    Finite,
    /// A finite number that is not negative.
    NotNegative,
    /// A number from 0 to 1.
    Fraction,
    /// A number from 0 to 100.
    Percentage,
    /// Nothing, or a finite number above zero.
    PositiveOrUnset,
    /// Nothing, or a finite number.
    FiniteOrUnset,
}

impl Accepts {
    /// What is accepted, as a noun phrase.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Switch => "True or False",
            Self::Finite => "a finite number",
            Self::NotNegative => "a finite number that is not negative",
            Self::Fraction => "a number from 0 to 1",
            Self::Percentage => "a number from 0 to 100",
            Self::PositiveOrUnset => "None or a finite number above 0",
            Self::FiniteOrUnset => "None or a finite number",
        }
    }

    /// The Python annotation of such an option.
    #[must_use]
    pub const fn annotation(self) -> &'static str {
        match self {
            Self::Switch => "bool",
            Self::Finite | Self::NotNegative | Self::Fraction | Self::Percentage => "float",
            Self::PositiveOrUnset | Self::FiniteOrUnset => "Optional[float]",
        }
    }

    fn allows(self, value: OptionValue) -> bool {
        match (self, value) {
            (Self::Switch, OptionValue::Switch(_))
            | (Self::PositiveOrUnset | Self::FiniteOrUnset, OptionValue::Unset) => true,
            (Self::Finite | Self::FiniteOrUnset, OptionValue::Number(x)) => x.is_finite(),
            (Self::NotNegative, OptionValue::Number(x)) => x.is_finite() && x >= 0.0,
            (Self::Fraction, OptionValue::Number(x)) => (0.0..=1.0).contains(&x),
            (Self::Percentage, OptionValue::Number(x)) => (0.0..=100.0).contains(&x),
            (Self::PositiveOrUnset, OptionValue::Number(x)) => x.is_finite() && x > 0.0,
            _ => false,
        }
    }

    /// Refuses a value that is not accepted.
    pub(crate) fn check(self, option: &str, value: OptionValue) -> Result<()> {
        if self.allows(value) {
            return Ok(());
        }
        let value = match value {
            OptionValue::Number(x) => x.to_string(),
            OptionValue::Switch(true) => "True".to_owned(),
            OptionValue::Switch(false) => "False".to_owned(),
            OptionValue::Unset => "None".to_owned(),
        };
        Err(Error::Option { option: option.to_owned(), value, accepted: self.text().to_owned() })
    }
}

/// One option as documentation and bindings see it.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The name.
    pub name: &'static str,
    /// The value if none is given.
    pub default: OptionValue,
    /// Which values are accepted.
    pub accepts: Accepts,
    /// What it means.
    pub doc: &'static str,
    /// Whether the option shapes the walk, so that changing it needs the events again.
    pub shapes_walk: bool,
}

/// Between a field's type and [`OptionValue`].
pub(crate) trait Field: Copy {
    fn to_value(self) -> OptionValue;
    fn from_value(value: OptionValue) -> Option<Self>;
}

impl Field for f64 {
    fn to_value(self) -> OptionValue {
        OptionValue::Number(self)
    }
    fn from_value(value: OptionValue) -> Option<Self> {
        if let OptionValue::Number(x) = value { Some(x) } else { None }
    }
}

impl Field for bool {
    fn to_value(self) -> OptionValue {
        OptionValue::Switch(self)
    }
    fn from_value(value: OptionValue) -> Option<Self> {
        if let OptionValue::Switch(on) = value { Some(on) } else { None }
    }
}

impl Field for Option<f64> {
    fn to_value(self) -> OptionValue {
        self.map_or(OptionValue::Unset, OptionValue::Number)
    }
    fn from_value(value: OptionValue) -> Option<Self> {
        match value {
            OptionValue::Unset => Some(None),
            OptionValue::Number(x) => Some(Some(x)),
            OptionValue::Switch(_) => None,
        }
    }
}

/// Defines a struct of options: fields, defaults, and the list of specs that everything else is derived from.
macro_rules! options {
    (
        $(#[doc = $struct_doc:literal])+
        $name:ident called $called:literal {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $default:expr, $accepts:ident, walk: $walk:literal;
            )+
        }
    ) => {
        $(#[doc = $struct_doc])+
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $name {
            /// Every option, in the order in which documentation lists them.
            #[must_use]
            pub fn specs() -> Vec<$crate::options::OptionSpec> {
                let default = Self::default();
                vec![$($crate::options::OptionSpec {
                    name: stringify!($field),
                    default: $crate::options::Field::to_value(default.$field),
                    accepts: $crate::options::Accepts::$accepts,
                    doc: concat!($($doc,)+).trim_ascii_start(),
                    shapes_walk: $walk,
                },)+]
            }

            /// The value of the option of that name, if there is one.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<$crate::options::OptionValue> {
                match name {
                    $(stringify!($field) => Some($crate::options::Field::to_value(self.$field)),)+
                    _ => None,
                }
            }

            /// Sets the option of that name.
            ///
            /// # Errors
            /// If there is no such option, or it does not accept the value.
            pub fn set(&mut self, name: &str, value: $crate::options::OptionValue) -> $crate::error::Result<()> {
                match name {
                    $(stringify!($field) => {
                        let accepts = $crate::options::Accepts::$accepts;
                        let option = concat!($called, ".", stringify!($field));
                        accepts.check(option, value)?;
                        if let Some(value) = $crate::options::Field::from_value(value) {
                            self.$field = value;
                        }
                        Ok(())
                    })+
                    _ => Err($crate::error::Error::Option {
                        option: concat!($called, " option").to_owned(),
                        value: format!("{name:?}"),
                        accepted: concat!("one of " $(, stringify!($field), " ")+).trim_end().to_owned(),
                    }),
                }
            }
        }
    };
}
pub(crate) use options;
