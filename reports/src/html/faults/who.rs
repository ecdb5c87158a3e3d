//! Who a row of a table is of.

use maud::{Markup, html};

use crate::analysis::Tried;
use crate::numbers::load;

use super::super::Page;

/// The head of a row: the system with its colour, its load, and what else is
/// to be known of the row; `loud` is a verdict's word and why.
pub(super) fn who(
    page: &Page<'_>,
    tried: &Tried,
    besides: &[String],
    loud: Option<(&str, Option<&str>)>,
) -> Markup {
    html! {
        th scope="row" {
            span class={ "key s" (page.palette.index(&tried.system, &tried.profile)) } {}
            (tried.label)
            small {
                (load(tried.load))
                @if let Some(variant) = &tried.variant { ", " (variant) }
                @for words in besides { ", " (words) }
            }
            @if let Some((word, why)) = loud { small.loud title=[why] { (word) } }
        }
    }
}
