package naming

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Accept is a place of a rendering that may name what is not below the target, with the
// reason for it.
type Accept struct {
	// Kind and Name are the object's; Namespace may be empty, for any. Name may be "*".
	Kind, Namespace, Name string
	// Path is the field, or a field that it lies in: "spec.template". Elements of it may be
	// "*", as in "spec.containers[*].image"; "*" alone is the whole object.
	Path string
	// Reason is for those who read it later; it may be empty.
	Reason string
}

// ParseAccept reads KIND/[NAMESPACE/]NAME:PATH[=REASON].
func ParseAccept(s string) (Accept, error) {
	place, reason, _ := strings.Cut(s, "=")
	object, path, _ := strings.Cut(place, ":")
	parts := strings.Split(object, "/")
	if len(parts) == 2 {
		parts = slices.Insert(parts, 1, "")
	}
	if len(parts) != 3 || parts[0] == "" || parts[2] == "" || path == "" {
		return Accept{}, fmt.Errorf("%s is no place; write KIND/NAME:PATH[=REASON], such as ConfigMap/help:data.text=prose", ref.Quote(s))
	}
	return Accept{Kind: parts[0], Namespace: parts[1], Name: parts[2], Path: path, Reason: strings.TrimSpace(reason)}, nil
}

// String is the place as ParseAccept reads it, without the reason.
func (a Accept) String() string {
	name := a.Name
	if a.Namespace != "" {
		name = a.Namespace + "/" + name
	}
	return a.Kind + "/" + name + ":" + a.Path
}

// Line is the place with its reason, as ParseAccept reads it, in one line.
func (a Accept) Line() string {
	if a.Reason == "" {
		return a.String()
	}
	return a.String() + "=" + strings.Join(strings.Fields(a.Reason), " ")
}

// AcceptedBy is the first that accepts a place.
func AcceptedBy(all []Accept, use Use) (Accept, bool) {
	at := slices.IndexFunc(all, func(a Accept) bool { return a.covers(use) })
	if at < 0 {
		return Accept{}, false
	}
	return all[at], true
}

// covers tells whether a place is accepted.
func (a Accept) covers(use Use) bool {
	return strings.EqualFold(a.Kind, use.Kind) &&
		(a.Namespace == "" || a.Namespace == use.Namespace) &&
		(a.Name == "*" || a.Name == use.Name) &&
		leadsTo(fields(a.Path), fields(use.Path))
}

// fields are the elements of a path, those of lists too: "containers", "0", "image".
func fields(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]", r) })
}

// leadsTo tells whether path begins with the elements of prefix.
func leadsTo(prefix, path []string) bool {
	if len(prefix) > len(path) {
		return false
	}
	for i, element := range prefix {
		if element != "*" && element != path[i] {
			return false
		}
	}
	return true
}
