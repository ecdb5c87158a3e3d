//! Plan × evidence → outcome of a cell. Pure.
