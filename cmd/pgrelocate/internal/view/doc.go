// Package view makes results into documents: structs whose JSON tags are part of the program's
// interface (docs/json.md), and which write themselves as tables for people. A New function
// takes what a use case returned; output.Write shows the document.
//
// Here is what all results have in common; the results themselves are in the rooms below.
// Every result is a struct of its own, embeds output.Header, and never a struct of a library.
package view
