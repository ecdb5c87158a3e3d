//! The choice guide: a question, who qualifies in each class, who does not.

use maud::{Markup, html};

use super::{Page, Section};
use crate::analysis::{Able, Question};

pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let guide = page.analysis.guide.as_ref()?;
    let content = html! {
        p.note {
            "From this run's own figures and the profiles' promises. Places are given only inside "
            "one durability class and acknowledgement mode."
        }
        div.guide { @for question in &guide.questions { (answer(question)) } }
    };
    Some(Section { anchor: "guide", title: "Choice guide", content })
}

fn answer(question: &Question) -> Markup {
    html! {
        div.question {
            h3 { (question.asks) }
            p.note { (question.by) }
            @if question.classes.is_empty() { p.state { "None of these systems." } }
            dl { @for class in &question.classes { (able(class)) } }
            @if !question.others.is_empty() {
                details {
                    summary { "Not: " (question.others.len()) }
                    ul { @for other in &question.others {
                        li { b { (other.label) } ": " (other.why) }
                    } }
                }
            }
        }
    }
}

fn able(class: &Able) -> Markup {
    html! {
        dt { (class.title) }
        dd {
            ol.plain { @for choice in &class.systems {
                li {
                    @if let Some(place) = choice.place { span.id { (place) "." } " " }
                    b { (choice.label) }
                    @if choice.by != class.title { " " span.by { (choice.by) } }
                }
            } }
            @if !class.margin.is_empty() { p.note { (class.margin) } }
        }
    }
}
