// Empty on purpose: a package with an assembly file may declare a function
// without a body, which go:linkname needs.
