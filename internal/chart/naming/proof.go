package naming

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Proof is what has to hold of a rendering: every image in it, in whatever string, lies
// below the target, or stands at a place that is accepted. It is positive, for "the source
// is not named" would let any third registry pass.
type Proof struct {
	// Target is the folder in the private registry.
	Target ref.Folder
	// Origin is where the product comes from. Its registries may not be named at all, with or
	// without an image.
	Origin Origin
	// Absent are the product's images that are not at the target, as their vendor names them;
	// Relocated are images that are there, and no value of the chart makes it name them there.
	Absent, Relocated []ref.Reference
	// Accept are the places that are excepted.
	Accept []Accept
}

// Cause is why a place stands in the way of a proof.
type Cause string

// The causes.
const (
	// NotRelocated: the image is one of the product's, and it is not at the target.
	NotRelocated Cause = "it was not relocated"
	// NamesSource: the source registry is named.
	NamesSource Cause = "it names the source registry"
	// Unchanged: the image is at the target, and the chart goes on naming it elsewhere.
	Unchanged Cause = "it was relocated, and the chart names it where it comes from"
	// Elsewhere: the image lies neither below the target nor where the product comes from.
	Elsewhere Cause = "it is not below the target"
	// NoReference: a container's image is no reference, so that nothing can be said of it.
	NoReference Cause = "it is no reference to an image"
)

// Leftover is a line of a rendering that names what does not lie below the target.
type Leftover struct {
	Use
	// Text is the line, or of a long one what matters.
	Text string
	// Image is what it names; zero where it names a registry and no image.
	Image ref.Reference
	Cause Cause
	// Reason is why it is accepted; empty where it is not, or no reason was given.
	Reason string
}

// Names tells whether the place names one of the product's images, by its vendor's name.
func (p Leftover) Names(image ref.Reference) bool { return isSame(image, p.Image) }

// isSame tells whether a name, which may lack a tag, is that of a product's image.
func isSame(own, named ref.Reference) bool {
	own = own.Canonical()
	return own.Name() == named.Name() && (named.Tag == "" || own.Tag == named.Tag)
}

// Findings are what a proof has come to.
type Findings struct {
	// Open are the places that stand in the way; the proof holds where there is none.
	Open []Leftover
	// Accepted are those that would, had they not been accepted.
	Accepted []Leftover
	// Unused accept nothing in this rendering.
	Unused []Accept
}

// Check holds a rendering against the proof. CustomResourceDefinitions are left out: their
// schemas carry defaults and prose.
func (p Proof) Check(r *chart.Rendering) Findings {
	names := newNames(p.Origin)
	var f Findings
	used := make([]bool, len(p.Accept))
	eachLine(r, func(use Use, at spot, line string) {
		for _, place := range p.inLine(names, use, at, line) {
			accepted := slices.IndexFunc(p.Accept, func(a Accept) bool { return a.covers(use) })
			if accepted < 0 {
				f.Open = append(f.Open, place)
				continue
			}
			used[accepted] = true
			place.Reason = p.Accept[accepted].Reason
			f.Accepted = append(f.Accepted, place)
		}
	})
	for i, accept := range p.Accept {
		if !used[i] {
			f.Unused = append(f.Unused, accept)
		}
	}
	return f
}

// inLine finds what a line names that it may not.
func (p Proof) inLine(names names, use Use, at spot, line string) []Leftover {
	var places []Leftover
	for _, image := range names.in(at, line) {
		if !p.isBelow(image) {
			places = append(places, Leftover{Use: use, Text: use.excerpt(line, image.String()), Image: image.Reference, Cause: p.cause(image.Reference)})
		}
	}
	if places == nil && isUnreadable(at, line) {
		return []Leftover{{Use: use, Text: use.excerpt(line, ""), Cause: NoReference}}
	}
	if places == nil && namesAny(line, p.sources(), p.target()) {
		places = append(places, Leftover{Use: use, Text: use.excerpt(line, ""), Cause: NamesSource})
	}
	return places
}

// isBelow tells whether an image lies below the target. The target's own name, which looks
// like a repository's, does not lie elsewhere.
func (p Proof) isBelow(image named) bool {
	return p.Target.Holds(image.Reference) || image.repository && image.Name() == p.target()
}

// target is the target as it stands in canonical references.
func (p Proof) target() string {
	return ref.Folder{Host: ref.CanonicalHost(p.Target.Host), Path: p.Target.Path}.String()
}

func (p Proof) cause(image ref.Reference) Cause {
	among := func(all []ref.Reference) bool {
		return slices.ContainsFunc(all, func(own ref.Reference) bool { return isSame(own, image) })
	}
	switch {
	case among(p.Absent):
		return NotRelocated
	case among(p.Relocated):
		return Unchanged
	case p.Origin.holds(image):
		return NamesSource
	default:
		return Elsewhere
	}
}

// sources are the registries that may not be named, in every spelling.
func (p Proof) sources() []string {
	var all []string
	for _, folder := range p.Origin.Folders {
		if folder != p.Target {
			all = append(all, spellings(folder)...)
		}
	}
	return all
}

// longestText bounds the lines that are told of: JSON and scripts can be one line of any length.
const longestText = 200

// excerpt is a line as it is told of; of a secret's no more than the image.
func (u Use) excerpt(line, image string) string {
	switch {
	case u.Kind == "Secret":
		return cmp.Or(image, "…")
	case len(line) <= longestText:
		return line
	case image != "":
		return image
	default:
		return strings.ToValidUTF8(line[:longestText], "") + "…"
	}
}
