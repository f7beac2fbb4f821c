// Package clustertest is a small API server for tests: it stores objects, serves kinds and their
// definitions, and does to them what matters here: with a CRD go all objects of its kind, and
// with a namespace all that is in it. It knows no schema, no webhook and no controller.
//
// What an API server really does is for the suite in tests/cluster to prove.
package clustertest
