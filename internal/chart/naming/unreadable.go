package naming

import (
	"regexp"
	"strings"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Unreadable is a container's image that is no reference, "example.com/App:1" for its capital: no
// image can be found there, and no node would run it.
type Unreadable struct {
	Use
	// Text is what stands there.
	Text string
}

// UnreadableIn are the containers of a rendering whose image is no reference.
func UnreadableIn(r *chart.Rendering) []Unreadable {
	var all []Unreadable
	eachLine(r, func(use Use, at spot, line string) {
		if isUnreadable(at, line) {
			all = append(all, Unreadable{use, line})
		}
	})
	return all
}

// UnreadableOf are those of one object; of is the object, without a path.
func UnreadableOf(of Use, object map[string]any) []Unreadable {
	var all []Unreadable
	visitAll(spot{}, object, func(at spot, text string) {
		if of.Path = at.path; isUnreadable(at, text) {
			all = append(all, Unreadable{of, text})
		}
	})
	return all
}

// containerImage is the image of a container. Elsewhere what is called an image may be anything.
var containerImage = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|\.)(?:containers|initContainers|ephemeralContainers)\[\d+\]\.image$`)
})

func isUnreadable(at spot, text string) bool {
	if text = strings.TrimSpace(text); text == "" || at.parts || !strings.HasSuffix(at.path, "].image") {
		return false
	}
	_, err := ref.ParseImage(text)
	return err != nil && containerImage().MatchString(at.path)
}
