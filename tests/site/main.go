// Command site writes the documentation as web pages: site [ROOT [FOLDER]]. The pages are those that
// GitHub shows, README.md and what lies in docs/, each at its place with .html for .md, so that
// links between them work in both. See docs/adr/0036-docs-site.md.
package main

import (
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("site: ")
	root, out := ".", "dist-site"
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if len(os.Args) > 2 {
		out = os.Args[2]
	}
	if err := os.RemoveAll(out); err != nil {
		log.Fatal(err)
	}
	pages, err := Build(root, out)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d pages\n", out, pages)
}
