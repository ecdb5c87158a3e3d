//! The names of Asynq's keys (protocol §1). The braces are literal: they are
//! the cluster's hash tag, so that all keys of a queue share a slot.

/// Every queue that has ever been enqueued to.
pub(super) const QUEUES: &str = "asynq:queues";
/// Full names of server keys, scored by their expiry in Unix seconds.
pub(super) const SERVERS: &str = "asynq:servers";
/// Full names of keys of running tasks, scored like [`SERVERS`].
pub(super) const WORKERS: &str = "asynq:workers";

/// The keys of one queue.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) queue: String,
    /// `asynq:{Q}:`, what all of them begin with.
    pub(super) prefix: String,
    /// Followed by an id: the hash that is the task.
    pub(super) task: String,
    /// List; new ids on the left, taken from the right.
    pub(super) pending: String,
    /// List of ids that a worker has.
    pub(super) active: String,
    /// Sorted set of the same ids by the expiry of their lease, Unix seconds.
    pub(super) lease: String,
    /// Sorted set by due time, Unix seconds.
    pub(super) scheduled: String,
    /// Sorted set by the time of the next attempt, Unix seconds.
    pub(super) retry: String,
    /// Sorted set by the time it was set aside, Unix seconds: the dead.
    pub(super) archived: String,
    /// Exists while the queue is paused.
    pub(super) paused: String,
    /// Attempts that ended, ever.
    pub(super) processed: String,
    /// Attempts that failed, ever.
    pub(super) failed: String,
}

impl Keys {
    pub(super) fn of(queue: &str) -> Self {
        let prefix = format!("asynq:{{{queue}}}:");
        let key = |name: &str| format!("{prefix}{name}");
        Self {
            queue: queue.to_owned(),
            task: key("t:"),
            pending: key("pending"),
            active: key("active"),
            lease: key("lease"),
            scheduled: key("scheduled"),
            retry: key("retry"),
            archived: key("archived"),
            paused: key("paused"),
            processed: key("processed"),
            failed: key("failed"),
            prefix,
        }
    }

    /// The counter of attempts that ended on the UTC day of `unix_s`.
    pub(super) fn processed_on(&self, unix_s: u64) -> String {
        format!("{}:{}", self.processed, utc_day(unix_s))
    }

    /// The counter of attempts that failed on the UTC day of `unix_s`.
    pub(super) fn failed_on(&self, unix_s: u64) -> String {
        format!("{}:{}", self.failed, utc_day(unix_s))
    }

    /// What `SCAN` matches to find all of them, with the queue's own
    /// characters taken literally.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.prefix.len() + 1);
        for character in self.prefix.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('*');
        pattern
    }
}

/// `YYYY-MM-DD` of a Unix time (Hinnant's `civil_from_days`).
fn utc_day(unix_s: u64) -> String {
    // Counted from 1 March of year 0, so that a leap day ends its year.
    let days = unix_s / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month =
        if months_since_march < 10 { months_since_march + 3 } else { months_since_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_utc_days_around_leap_days_and_new_year() {
        for (unix_s, day) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_251_199, "2024-02-29"),
            (1_709_251_200, "2024-03-01"),
            (1_798_761_599, "2026-12-31"),
            (1_798_761_600, "2027-01-01"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(utc_day(unix_s), day);
        }
    }

    #[test]
    fn names_are_those_of_the_protocol() {
        let keys = Keys::of("default");
        assert_eq!(format!("{}x", keys.task), "asynq:{default}:t:x");
        assert_eq!(keys.pending, "asynq:{default}:pending");
        assert_eq!(keys.processed_on(0), "asynq:{default}:processed:1970-01-01");
        assert_eq!(keys.failed_on(0), "asynq:{default}:failed:1970-01-01");
    }

    #[test]
    fn a_pattern_takes_the_queue_literally() {
        assert_eq!(Keys::of("a*[b]").pattern(), "asynq:{a\\*\\[b\\]}:*");
    }
}
