// Package naming finds what in a chart's manifests and values names an image, in whatever form, and
// proves that nothing names what is elsewhere than the private registry: Images, Mentions, NamedIn
// and Proof. Origin says what the vendor's names are.
package naming
