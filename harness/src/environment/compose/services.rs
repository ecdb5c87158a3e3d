//! What the harness knows of each service of `docker-compose.yml`.

use schedbench_contract::Broker;

use crate::environment::{Error, Result};

/// One service of the compose file.
#[derive(Debug)]
pub(super) struct Service {
    /// Its name there, which is also its profile's and the broker's.
    pub(super) name: &'static str,
    /// Where it listens in its container.
    pub(super) port: u16,
    /// The user that the file makes, where the broker has users.
    pub(super) user: Option<&'static str>,
    /// Whether it wants the password.
    pub(super) has_password: bool,
    /// The database that the file makes, where one must be named.
    pub(super) database: Option<&'static str>,
    /// How its `SETTINGS` are written.
    form: Form,
}

/// How a setting is written.
#[derive(Debug)]
enum Form {
    /// `key value`, a line each.
    RedisConf,
    /// `key = value`, a line each.
    RabbitConf,
    /// `KAFKA_KEY=value`, words.
    KafkaEnv,
    /// `-c key=value`, words.
    PostgresArguments,
}

const SERVICES: &[Service] = &[
    Service {
        name: "redis",
        port: 6379,
        user: None,
        has_password: true,
        database: None,
        form: Form::RedisConf,
    },
    Service {
        name: "rabbitmq",
        port: 5672,
        user: Some("schedbench"),
        has_password: true,
        database: None,
        form: Form::RabbitConf,
    },
    Service {
        name: "kafka",
        port: 9092,
        user: None,
        has_password: false,
        database: None,
        form: Form::KafkaEnv,
    },
    Service {
        name: "postgres",
        port: 5432,
        user: Some("schedbench"),
        has_password: true,
        database: Some("schedbench"),
        form: Form::PostgresArguments,
    },
];

impl Service {
    /// The one of a broker.
    ///
    /// # Panics
    /// Never: a test holds that every broker has its service.
    pub(super) fn of(broker: Broker) -> &'static Self {
        let service = SERVICES.iter().find(|service| service.name == broker.name());
        service.expect("every broker has a service")
    }

    /// A profile's settings in the form that the file wants them.
    ///
    /// # Errors
    /// A value cannot be written in that form.
    pub(super) fn settings(&self, settings: &[(&str, &str)]) -> Result<String> {
        let line = |&(key, value): &(&str, &str)| match self.form {
            Form::RedisConf => Some(format!("{key} {value}")),
            Form::RabbitConf => Some(format!("{key} = {value}")),
            Form::KafkaEnv => {
                let key = key.replace('.', "_").to_uppercase();
                word(value).map(|value| format!("KAFKA_{key}={value}"))
            }
            Form::PostgresArguments => word(value).map(|value| format!("-c {key}={value}")),
        };
        let between = match self.form {
            Form::RedisConf | Form::RabbitConf => "\n",
            Form::KafkaEnv | Form::PostgresArguments => " ",
        };
        let lines: Option<Vec<String>> = settings
            .iter()
            .map(|setting| line(setting).filter(|line| !line.contains('\n')))
            .collect();
        lines.map(|lines| lines.join(between)).ok_or_else(|| {
            Error::Unfit(format!("a setting cannot be handed to {} in a container", self.name))
        })
    }
}

/// A value that a shell takes as one plain word; quotes around it are left out.
fn word(value: &str) -> Option<&str> {
    let value = value.trim_matches(['\'', '"']);
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:/,+%@=".contains(c);
    (!value.is_empty() && value.chars().all(plain)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_can_be_handed_to_its_service() {
        for system in schedbench_adapters::SYSTEMS {
            for profile in system.profiles {
                let Some(broker) = profile.broker else { continue };
                let service = Service::of(broker);
                let said = service.settings(profile.broker_settings);
                assert!(said.is_ok(), "{}/{}: {said:?}", system.name, profile.name);
            }
        }
    }

    #[test]
    fn settings_are_written_as_each_service_reads_them() {
        fn written(name: &str, settings: &[(&str, &str)]) -> Result<String> {
            let service = SERVICES.iter().find(|service| service.name == name).expect("a service");
            service.settings(settings)
        }
        let redis = written("redis", &[("appendonly", "yes"), ("appendfsync", "always")]);
        assert_eq!(redis.expect("text"), "appendonly yes\nappendfsync always");
        let kafka = written("kafka", &[("log.flush.interval.messages", "1")]);
        assert_eq!(kafka.expect("text"), "KAFKA_LOG_FLUSH_INTERVAL_MESSAGES=1");
        let postgres = written("postgres", &[("synchronous_commit", "off"), ("fsync", "on")]);
        assert_eq!(postgres.expect("text"), "-c synchronous_commit=off -c fsync=on");
        let rabbit = written("rabbitmq", &[("heartbeat", "10")]);
        assert_eq!(rabbit.expect("text"), "heartbeat = 10");
        for value in ["a b", "$(reboot)", "x;y", ""] {
            assert!(written("postgres", &[("search_path", value)]).is_err(), "{value}");
        }
        assert!(written("redis", &[("save", "a\nrename-command x")]).is_err());
    }
}
