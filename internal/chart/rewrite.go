package chart

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Rewrite says how a chart's values are to name the private registry.
type Rewrite struct {
	// Mapping are the release's values.
	Mapping []versions.Value
	// Artifacts are all that the values may name, newest first.
	Artifacts []versions.Artifact
	// Defaults are the chart's own values, which tell what each of them is about; nil where
	// the chart is not at hand.
	Defaults map[string]any
	// Has tells whether the target holds an artifact. It is asked no more than is needed; nil
	// takes everything to be there.
	Has func(versions.Artifact) (bool, error)
	// PullSecret is the name of the pull secret; empty puts none into the values.
	PullSecret string
}

// Rewritten are values that name nothing that is not at the target, but for the operator's
// image: a chart without its operator is not what anybody wants to install, so that it is for
// whoever installs to find it missing.
type Rewritten struct {
	Values map[string]any
	// LeftOut are the values that name nothing, for the target has nothing for them to name.
	LeftOut []LeftOut
	// Moved are those that name another version than the chart would.
	Moved []Moved
}

// LeftOut is a value that keeps what the chart has there, or becomes empty.
type LeftOut struct {
	// Key is the value's, as helm's --set takes it.
	Key string
	// Artifact is what it would name.
	Artifact versions.Artifact
	// Emptied says that the chart named the artifact by itself, and that this was taken out.
	Emptied bool
}

// Moved is a value that names another version.
type Moved struct {
	Key      string
	From, To versions.Artifact
}

// Notices say in words what was left out and what was moved.
func (r *Rewritten) Notices() []string {
	var all []string
	for _, left := range r.LeftOut {
		text := title(left.Artifact) + " was not relocated and is left out"
		if left.Emptied {
			text += ": " + left.Key + " is empty"
		}
		all = append(all, text)
	}
	for _, moved := range r.Moved {
		all = append(all, fmt.Sprintf("%s names %s, for %s was not relocated", moved.Key, title(moved.To), title(moved.From)))
	}
	return all
}

// title names an artifact in messages.
func title(a versions.Artifact) string {
	if a.Role == versions.RoleExtra {
		return a.Extra
	}
	return path.Base(a.Target.Repository) + ":" + a.Target.Tag
}

// Values computes the values. The error is Has's.
func (r Rewrite) Values() (*Rewritten, error) {
	made := &Rewritten{Values: map[string]any{}}
	for _, value := range r.Mapping {
		if value.PullSecret != "" {
			if r.PullSecret != "" {
				set(made.Values, value.Path, secretValue(value.PullSecret, r.PullSecret))
			}
			continue
		}
		if err := r.image(made, value); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// image finds what a value is to name.
func (r Rewrite) image(made *Rewritten, value versions.Value) error {
	wanted, bound := r.candidates(value)
	if len(wanted) == 0 {
		return nil
	}
	chosen, err := r.first(wanted)
	switch {
	case err != nil:
		return err
	case chosen == 0:
		set(made.Values, value.Path, value.Of(wanted[0].Target))
	case chosen > 0:
		set(made.Values, value.Path, value.Of(wanted[chosen].Target))
		if value.Of(wanted[0].Target) != value.Of(wanted[chosen].Target) {
			made.Moved = append(made.Moved, Moved{Key: value.Key(), From: wanted[0], To: wanted[chosen]})
		}
	default:
		left := LeftOut{Key: value.Key(), Artifact: wanted[0]}
		if text, _ := r.byDefault(value).(string); bound && text != "" && value.Form == versions.FormReference {
			left.Emptied = true
			set(made.Values, value.Path, "")
		}
		made.LeftOut = append(made.LeftOut, left)
	}
	return nil
}

// first is the first of the artifacts that is at the target; -1 where none is.
func (r Rewrite) first(wanted []versions.Artifact) (int, error) {
	for i, artifact := range wanted {
		if r.Has == nil || artifact.Role == versions.RoleOperator {
			return i, nil
		}
		if has, err := r.Has(artifact); has || err != nil {
			return i, err
		}
	}
	return -1, nil
}

// candidates are what a value may name, the best first: what the chart names there by itself,
// then the newest. Where the value's key tells of a version, "postgres_17", it is bound to it,
// and no other will do.
func (r Rewrite) candidates(value versions.Value) (wanted []versions.Artifact, bound bool) {
	for _, artifact := range r.Artifacts {
		if value.Names(artifact) {
			wanted = append(wanted, artifact)
		}
	}
	numbers := numberPattern.FindAllString(strings.Join(value.Path, " "), -1)
	same := slices.DeleteFunc(slices.Clone(wanted), func(a versions.Artifact) bool { return !isOf(a, numbers) })
	if bound = len(same) > 0 && len(same) < len(wanted); bound {
		wanted = same
	}
	text, _ := r.byDefault(value).(string)
	at := slices.IndexFunc(wanted, func(a versions.Artifact) bool { return isNamed(a, value.Form, text) })
	if at > 0 {
		wanted = slices.Concat(wanted[at:at+1], wanted[:at], wanted[at+1:])
	}
	return wanted, bound
}

// byDefault is what the chart has for a value; nil where it has nothing.
func (r Rewrite) byDefault(value versions.Value) any {
	var found any = r.Defaults
	for _, key := range value.Path {
		inner, _ := found.(map[string]any)
		found = inner[key]
	}
	return found
}

// isNamed tells whether a text is the artifact, at whatever registry, in a value of that form.
func isNamed(a versions.Artifact, form versions.Form, text string) bool {
	switch form {
	case versions.FormTag:
		return text == a.Source.Tag
	case versions.FormReference:
		named, err := ref.ParseImage(text)
		return err == nil && named.Tag == a.Source.Tag && path.Base(named.Repository) == path.Base(a.Source.Repository)
	default:
		return false
	}
}

var numberPattern = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)*`)

// isOf tells whether an artifact serves one of the versions, "17.5", or majors, "17".
func isOf(a versions.Artifact, numbers []string) bool {
	return slices.ContainsFunc(a.Versions, func(v versions.Version) bool {
		return slices.Contains(numbers, v.String()) || slices.Contains(numbers, strconv.Itoa(v.Major))
	})
}

func secretValue(form versions.SecretForm, name string) any {
	switch form {
	case versions.SecretNames:
		return []any{name}
	case versions.SecretObjects:
		return []any{map[string]any{"name": name}}
	default:
		return name
	}
}

func set(into map[string]any, path []string, value any) {
	for _, element := range path[:len(path)-1] {
		inner, ok := into[element].(map[string]any)
		if !ok {
			inner = map[string]any{}
			into[element] = inner
		}
		into = inner
	}
	into[path[len(path)-1]] = value
}
