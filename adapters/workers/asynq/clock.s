// Empty on purpose: in a package with an assembly file a function may be
// declared without a body, which go:linkname needs.
