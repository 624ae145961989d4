//! Conversions to and from the types of other crates, each behind a feature of its name.

#[cfg(feature = "chrono")]
mod with_chrono {
    use crate::formats::{Date, DateTime};

    impl DateTime {
        /// The moment.
        ///
        /// # Errors
        /// The text is not a date-time.
        pub fn to_chrono(&self) -> Result<chrono::DateTime<chrono::FixedOffset>, chrono::ParseError> {
            chrono::DateTime::parse_from_rfc3339(self)
        }
    }

    impl<Z: chrono::TimeZone> From<chrono::DateTime<Z>> for DateTime {
        fn from(moment: chrono::DateTime<Z>) -> Self {
            Self::from(moment.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
        }
    }

    impl Date {
        /// The day.
        ///
        /// # Errors
        /// The text is not a date.
        pub fn to_chrono(&self) -> Result<chrono::NaiveDate, chrono::ParseError> {
            self.parse()
        }
    }

    impl From<chrono::NaiveDate> for Date {
        fn from(day: chrono::NaiveDate) -> Self {
            Self::from(day.to_string())
        }
    }
}

#[cfg(feature = "jiff")]
mod with_jiff {
    use crate::formats::{Date, DateTime, Duration};

    impl DateTime {
        /// The moment.
        ///
        /// # Errors
        /// The text is not a date-time.
        pub fn to_jiff(&self) -> Result<jiff::Timestamp, jiff::Error> {
            self.parse()
        }
    }

    impl From<jiff::Timestamp> for DateTime {
        fn from(moment: jiff::Timestamp) -> Self {
            Self::from(moment.to_string())
        }
    }

    impl Date {
        /// The day.
        ///
        /// # Errors
        /// The text is not a date.
        pub fn to_jiff(&self) -> Result<jiff::civil::Date, jiff::Error> {
            self.parse()
        }
    }

    impl From<jiff::civil::Date> for Date {
        fn from(day: jiff::civil::Date) -> Self {
            Self::from(day.to_string())
        }
    }

    impl Duration {
        /// The span.
        ///
        /// # Errors
        /// The text is not a duration.
        pub fn to_jiff(&self) -> Result<jiff::Span, jiff::Error> {
            self.parse()
        }
    }

    impl From<jiff::Span> for Duration {
        fn from(span: jiff::Span) -> Self {
            Self::from(span.to_string())
        }
    }
}

#[cfg(feature = "time")]
mod with_time {
    use crate::formats::DateTime;
    use time::format_description::well_known::Rfc3339;

    impl DateTime {
        /// The moment.
        ///
        /// # Errors
        /// The text is not a date-time.
        pub fn to_time(&self) -> Result<time::OffsetDateTime, time::error::Parse> {
            time::OffsetDateTime::parse(self, &Rfc3339)
        }
    }

    impl TryFrom<time::OffsetDateTime> for DateTime {
        type Error = time::error::Format;

        fn try_from(moment: time::OffsetDateTime) -> Result<Self, time::error::Format> {
            moment.format(&Rfc3339).map(Self::from)
        }
    }
}

#[cfg(feature = "uuid")]
mod with_uuid {
    use crate::formats::Uuid;

    impl Uuid {
        /// The number.
        ///
        /// # Errors
        /// The text is not a UUID.
        pub fn to_uuid(&self) -> Result<uuid::Uuid, uuid::Error> {
            uuid::Uuid::parse_str(self)
        }
    }

    impl From<uuid::Uuid> for Uuid {
        fn from(uuid: uuid::Uuid) -> Self {
            Self::from(uuid.to_string())
        }
    }
}

#[cfg(feature = "url")]
mod with_url {
    use crate::formats::Uri;

    impl Uri {
        /// The address.
        ///
        /// # Errors
        /// The text is not a URL.
        pub fn to_url(&self) -> Result<url::Url, url::ParseError> {
            url::Url::parse(self)
        }
    }

    impl From<url::Url> for Uri {
        fn from(url: url::Url) -> Self {
            Self::from(String::from(url))
        }
    }
}
