//! Looks: one family of colours per kind of system, and for each profile a marker
//! and a dash that no other has, the same everywhere. Whoever sees no colours
//! tells lines apart by these two and by the labels at their ends.

use std::fmt::Write as _;

use schedbench_contract::DurabilityClass;

use crate::outcome::System;

/// A colour on light and on dark ground.
type Pair = (&'static str, &'static str);

/// Ground of the page, light and dark; `page.css` holds the same.
#[cfg(test)]
const GROUND: Pair = ("#ffffff", "#14171c");

const NOOP: &[Pair] = &[("#6b7280", "#9aa3b2")];
const BLUES: &[Pair] = &[
    ("#1d4ed8", "#6ea2ff"),
    ("#0e7490", "#4fc9dc"),
    ("#1e3a8a", "#b3c9ff"),
    ("#0369a1", "#3fa9f5"),
    ("#4f56d3", "#9aa2ff"),
    ("#155e75", "#8fdbe6"),
];
const REDS: &[Pair] = &[("#c81e1e", "#ff7b7b"), ("#9f1239", "#ff9db2"), ("#7f1d1d", "#ffb4a8")];
const ORANGES: &[Pair] = &[("#b45309", "#ffab4a"), ("#8a4b08", "#e0b070")];
const NEUTRALS: &[Pair] = &[("#27272a", "#e4e4e7"), ("#57534e", "#bdb8b2")];
const GREENS: &[Pair] = &[("#15803d", "#58d08a"), ("#4d6b0f", "#a8d35a")];
const PURPLES: &[Pair] = &[("#7e22ce", "#c79bff"), ("#a21caf", "#f09cff")];
const OTHERS: &[Pair] = &[("#0f766e", "#45d0c0"), ("#7c5c2e", "#cbb07c")];

fn family(system: &str, class: DurabilityClass) -> &'static [Pair] {
    let is = |word: &str| system.contains(word);
    if system == crate::analysis::NOOP {
        NOOP
    } else if is("celery") {
        GREENS
    } else if is("kafka") {
        NEUTRALS
    } else if is("rabbit") {
        ORANGES
    } else if is("postgres") {
        PURPLES
    } else if is("go-") || is("gocron") {
        OTHERS
    } else if is("redis") || is("asynq") {
        REDS
    } else if class == DurabilityClass::InProcess {
        BLUES
    } else {
        OTHERS
    }
}

/// How one system and profile looks.
#[derive(Clone, Debug)]
pub(super) struct Style {
    pub(super) system: String,
    pub(super) profile: String,
    /// `system`, or `system/profile` where a system has more than one.
    pub(super) label: String,
    class: DurabilityClass,
    color: Pair,
    /// Which marker, below [`MARKERS`].
    pub(super) marker: usize,
    /// Which of [`DASHES`].
    dash: usize,
}

/// Kinds of markers that a line chart knows.
const MARKERS: usize = 6;

/// None, and long strokes: dots are left to `overloaded`.
const DASHES: [&str; 4] = ["none", "22 8", "22 8 4 8", "10 6"];

/// A marker and a dash for one more system: a pair that no other has, as long as
/// there is one. Neither is shared with a profile of the same system, nor with its
/// class, whose lines stand in one drawing, while that can be.
fn marker_and_dash(others: &[Style], system: &System) -> (usize, usize) {
    let shared = |pair: (usize, usize), of: &dyn Fn(&Style) -> bool| -> usize {
        let each = others
            .iter()
            .filter(|other| of(other))
            .map(|other| usize::from(other.marker == pair.0) + usize::from(other.dash == pair.1));
        each.sum()
    };
    let cost = |pair: &(usize, usize)| {
        let taken = others.iter().filter(|other| (other.marker, other.dash) == *pair).count();
        let of_system = shared(*pair, &|other| other.system == system.system);
        let of_class = shared(*pair, &|other| other.class == system.claims.durability);
        (taken, of_system, of_class)
    };
    let pairs = (0..DASHES.len()).flat_map(|dash| (0..MARKERS).map(move |it| (it, dash)));
    pairs.min_by_key(cost).unwrap_or_default()
}

/// Looks of all systems and profiles; a look's index is its class `s<index>`.
#[derive(Clone, Debug)]
pub(super) struct Palette(pub(super) Vec<Style>);

impl Palette {
    pub(super) fn of(systems: &[System]) -> Self {
        let mut styles: Vec<Style> = Vec::new();
        // The name of each system that has taken a colour, by family.
        let mut taken: Vec<(&'static [Pair], String)> = Vec::new();
        for system in systems {
            let family = family(&system.system, system.claims.durability);
            if !taken.iter().any(|(_, name)| *name == system.system) {
                taken.push((family, system.system.clone()));
            }
            let place = taken
                .iter()
                .filter(|(other, _)| std::ptr::eq(*other, family))
                .position(|(_, name)| *name == system.system)
                .unwrap_or(0);
            let of_system = systems.iter().filter(|s| s.system == system.system);
            let several = of_system.count() > 1;
            let (marker, dash) = marker_and_dash(&styles, system);
            styles.push(Style {
                system: system.system.clone(),
                profile: system.profile.clone(),
                label: if several {
                    format!("{}/{}", system.system, system.profile)
                } else {
                    system.system.clone()
                },
                class: system.claims.durability,
                color: family[place % family.len()],
                marker,
                dash,
            });
        }
        Self(styles)
    }

    /// The index of a system and profile.
    pub(super) fn index(&self, system: &str, profile: &str) -> usize {
        let same = |style: &Style| style.system == system && style.profile == profile;
        self.0.iter().position(same).unwrap_or(self.0.len())
    }

    /// The marker of a look; of none in damaged files only.
    pub(super) fn marker(&self, index: usize) -> usize {
        self.0.get(index).map_or(0, |style| style.marker)
    }

    /// Rules that paint the looks and hide those that are toggled off.
    pub(super) fn css(&self) -> String {
        // One past the last look is the generator's own lateness.
        let mut css = format!(".s{}{{--c:var(--soft);--d:2 3}}", self.0.len());
        for (index, style) in self.0.iter().enumerate() {
            let (light, dark) = style.color;
            let _ = write!(
                css,
                ".s{index}{{--c:light-dark({light},{dark});--d:{}}}\
                 .plots:has(.t{index}:not(:checked)) .chart :is(.s{index},[data-t=\"{index}\"])\
                 {{display:none}}",
                DASHES[style.dash]
            );
        }
        css
    }
}

#[cfg(test)]
mod tests {
    use schedbench_contract::{AckMode, ConfirmMode};

    use super::*;
    use crate::outcome::Claims;

    fn system(system: &str, profile: &str, class: DurabilityClass) -> System {
        System {
            system: system.into(),
            profile: profile.into(),
            summary: String::new(),
            claims: Claims {
                durability: class,
                ack: AckMode::Late,
                confirms: ConfirmMode::Confirmed,
                delay: "native".into(),
                order: "none".into(),
                cancel: false,
                retries: "none".into(),
                not_comparable: None,
            },
            worker_runtime: "Rust".into(),
            server: None,
        }
    }

    /// Whatever of them stands in one drawing.
    #[test]
    fn no_two_share_both_marker_and_dash() {
        use DurabilityClass::{InProcess, PowerLoss, ProcessCrash};
        let names: Vec<String> = (0..MARKERS * DASHES.len()).map(|n| format!("s{n}")).collect();
        let one_class = names.iter().map(|name| system(name, "default", InProcess));
        let three_classes = names.iter().zip([InProcess, ProcessCrash, PowerLoss].iter().cycle());
        let three_classes = three_classes.map(|(name, class)| system(name, "default", *class));
        let profiles = names.iter().map(|name| system("kafka", name, ProcessCrash));
        for systems in [one_class.collect(), three_classes.collect(), profiles.collect()] {
            let systems: Vec<System> = systems;
            let looks = Palette::of(&systems).0;
            let mut pairs: Vec<_> = looks.iter().map(|look| (look.marker, look.dash)).collect();
            pairs.sort_unstable();
            pairs.dedup();
            assert_eq!(pairs.len(), systems.len(), "{pairs:?}");
        }
    }

    /// Four lines of one drawing, or four profiles of one system among others.
    #[test]
    fn few_of_a_class_or_system_share_neither() {
        use DurabilityClass::{InProcess, PowerLoss, ProcessCrash};
        let systems = [
            system("noop", "default", InProcess),
            system("wheel", "default", InProcess),
            system("kafka", "a", ProcessCrash),
            system("heap", "default", InProcess),
            system("kafka", "b", PowerLoss),
            system("tokio", "default", InProcess),
            system("kafka", "c", ProcessCrash),
            system("kafka", "d", ProcessCrash),
        ];
        let looks = Palette::of(&systems).0;
        for (place, one) in looks.iter().enumerate() {
            for other in &looks[place + 1..] {
                if one.class == other.class || one.system == other.system {
                    assert_ne!(one.marker, other.marker, "{one:?} {other:?}");
                    assert_ne!(one.dash, other.dash, "{one:?} {other:?}");
                }
            }
        }
    }

    fn luminance(color: &str) -> f64 {
        let part = |at: usize| {
            let byte = u8::from_str_radix(&color[at..at + 2], 16).expect("hex");
            let c = f64::from(byte) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// WCAG 2.2: 4.5 : 1 for text. Lines carry their label in the same colour.
    #[test]
    fn every_colour_can_be_read_on_its_ground() {
        for family in [NOOP, BLUES, REDS, ORANGES, NEUTRALS, GREENS, PURPLES, OTHERS] {
            for (light, dark) in family {
                assert!(contrast(light, GROUND.0) >= 4.5, "{light}: {}", contrast(light, GROUND.0));
                assert!(contrast(dark, GROUND.1) >= 4.5, "{dark}: {}", contrast(dark, GROUND.1));
            }
        }
    }

    #[test]
    fn the_page_has_the_ground_the_test_assumes() {
        let css = include_str!("../page.css");
        assert!(css.contains(&format!("light-dark({},{})", GROUND.0, GROUND.1)));
    }
}
