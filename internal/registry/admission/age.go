package admission

import (
	"context"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// createdAnnotation is where manifests say when something was made.
const createdAnnotation = "org.opencontainers.image.created"

// mostConfigBytes is more than any image's config has.
const mostConfigBytes = 4 << 20

// firstImages is before the first container image: earlier times are those of tools that write
// always the same one, 1970 or 1980, so that the same source gives the same image.
var firstImages = time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)

// aged wants the artifact to be old enough, and returns when it was made by its vendor's word. Of
// several images the youngest counts, for all of them would be copied.
func (c *Checker) aged(ctx context.Context, a *plan.Artifact) (time.Time, error) {
	times, err := c.times(ctx, a)
	if err != nil {
		return time.Time{}, &registry.Error{Op: "reading the age of", Side: registry.SideSource, Host: a.Source.Host, Ref: a.Source.String(), Err: err}
	}
	problem := c.judge(times)
	if problem == nil || problem.Created.IsZero() && c.rules.AnyAge {
		return times.youngest, nil
	}
	return time.Time{}, &registry.Error{Op: "checking the age of", Side: registry.SideSource, Host: a.Source.Host, Ref: a.Source.String(), Err: problem}
}

// judge is nil for what is old enough.
func (c *Checker) judge(t *times) *AgeError {
	if age := c.rules.Now().Sub(t.youngest); !t.youngest.IsZero() && age < c.rules.MinAge {
		return &AgeError{Created: t.youngest, Age: age, Least: c.rules.MinAge}
	}
	if t.youngest.IsZero() || t.silent {
		return &AgeError{Said: t.said}
	}
	return nil
}

// times are what an artifact's manifests and configs say of when they were made.
type times struct {
	youngest time.Time
	// silent says that an image says nothing credible, and said what it says instead.
	silent bool
	said   string
}

// add takes the youngest credible one of what one image says, and tells whether there is one.
func (t *times) add(texts ...string) bool {
	found := false
	for _, text := range texts {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || at.Before(firstImages) {
			if text != "" {
				t.said = text
			}
			continue
		}
		found = true
		if at.After(t.youngest) {
			t.youngest = at.UTC()
		}
	}
	return found
}

// times reads what the artifact's own images say. What an index says stands for those that say
// nothing themselves.
func (c *Checker) times(ctx context.Context, a *plan.Artifact) (*times, error) {
	t, nothing := &times{}, map[string]bool{}
	for _, m := range a.Manifests {
		if m.Attachment != "" {
			continue
		}
		links, err := oci.Parse(m.Manifest)
		if err != nil {
			return nil, err
		}
		if m.Descriptor.MediaType.IsIndex() {
			t.index(links, nothing)
			continue
		}
		created, err := c.createdOf(ctx, a.Origin, links)
		if err != nil {
			return nil, err
		}
		if !t.add(created, links.Annotations[createdAnnotation]) {
			nothing[m.Descriptor.Digest.String()] = true
		}
	}
	t.silent = len(nothing) > 0
	return t, nil
}

// index takes what an index says into account, which comes after its images. What it has beside
// images, attestations of how they were built, has no age of its own.
func (t *times) index(links *oci.Links, nothing map[string]bool) {
	says := t.add(links.Annotations[createdAnnotation])
	for _, child := range links.Manifests {
		if says || t.add(child.Annotations[createdAnnotation]) || child.Platform != nil && child.Platform.OS == "unknown" {
			delete(nothing, child.Digest.String())
		}
	}
}

// createdOf is what an image's config says of when it was made. Its labels are not asked: images
// inherit those of the image that they are built on.
func (c *Checker) createdOf(ctx context.Context, origin plan.Origin, links *oci.Links) (string, error) {
	if config := links.Config; config == nil || !config.MediaType.IsConfig() || config.Size > mostConfigBytes {
		return "", nil
	}
	text, done, err := c.read(ctx, origin, *links.Config)
	defer done()
	if err != nil {
		return "", err
	}
	var said struct {
		Created string `json:"created"`
	}
	if jsonlimit.Unmarshal(text, &said) != nil {
		return "", nil // it says nothing that anybody could read
	}
	return said.Created, nil
}
