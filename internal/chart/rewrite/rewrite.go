package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/valuepath"
)

// Rewrite says how a chart's values are to name the private registry.
type Rewrite struct {
	// Mapping are the chart's values, in the order in which they are set.
	Mapping []versions.Value
	// Objects are what is installed beside the chart's own.
	Objects []versions.Object
	// Artifacts are all that the values may name, newest first.
	Artifacts []versions.Artifact
	// Defaults are the chart's own values, which tell what each of them is about; nil where
	// the chart is not at hand.
	Defaults map[string]any
	// Has tells whether the target holds an artifact. It is asked no more than is needed; nil
	// takes everything to be there.
	Has func(versions.Artifact) (bool, error)
	// Listed are images that objects in the cluster list already: made objects go on listing
	// them, whatever became of them at the target.
	Listed []ref.Reference
	// Target is the folder in the private registry.
	Target ref.Folder
	// PullSecret is the name of the pull secret; empty puts none into the values.
	PullSecret string
}

// Values computes the values. The error is Has's.
func (r Rewrite) Values() (*Rewritten, error) {
	made := &Rewritten{Values: map[string]any{}}
	for _, value := range r.Mapping {
		for _, w := range r.wanted(value) {
			if err := r.place(made, w); err != nil {
				return nil, err
			}
		}
	}
	for _, object := range r.Objects {
		if err := r.object(made, object); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// want is one value that is to be set.
type want struct {
	value versions.Value
	path  []string
	// primary is what the first of the images is called, and candidates what it may be, the best
	// first; empty for a value that names no image. Bound says that no other will do.
	primary    string
	candidates []versions.Artifact
	bound      bool
}

// wanted are the values that an entry of the mapping comes to; none where there is nothing that
// it could name.
func (r Rewrite) wanted(value versions.Value) []want {
	names := value.Images()
	switch {
	case len(names) == 0 && value.IsPullSecret() && r.PullSecret == "":
		return nil
	case len(names) == 0:
		return []want{{value: value, path: value.Path(versions.Fill{})}}
	case value.Each == "":
		w := want{value: value, path: value.Path(versions.Fill{}), primary: names[0], candidates: r.called(names[0])}
		if len(w.candidates) == 0 {
			return nil
		}
		w.bind()
		r.preferDefault(&w)
		return []want{w}
	default:
		return r.each(value)
	}
}

// each is a value for each place that its images lead to.
func (r Rewrite) each(value versions.Value) []want {
	var all []want
	for _, artifact := range r.byVersion(value.Each) {
		place := value.Path(versions.Fill{Images: map[string]versions.Artifact{value.Each: artifact}})
		at := slices.IndexFunc(all, func(w want) bool { return slices.Equal(w.path, place) })
		if at < 0 {
			at = len(all)
			all = append(all, want{value: value, path: place, primary: value.Each, bound: true})
		}
		all[at].candidates = append(all[at].candidates, artifact)
	}
	for i := range all {
		r.preferDefault(&all[i])
	}
	return all
}

// called are the artifacts that values call by a name.
func (r Rewrite) called(name string) []versions.Artifact {
	return slices.DeleteFunc(slices.Clone(r.Artifacts), func(a versions.Artifact) bool { return a.CalledInValues() != name })
}

// byVersion are those, each once for every version that it serves.
func (r Rewrite) byVersion(name string) []versions.Artifact {
	var all []versions.Artifact
	for _, artifact := range r.called(name) {
		for _, version := range artifact.Versions {
			one := artifact
			one.Versions = []postgres.Version{version}
			all = append(all, one)
		}
		if len(artifact.Versions) == 0 {
			all = append(all, artifact)
		}
	}
	return all
}

// bind narrows the candidates where the value's key tells of a version, "postgres_17".
func (w *want) bind() {
	numbers := numberPattern.FindAllString(strings.Join(w.path, " "), -1)
	same := slices.DeleteFunc(slices.Clone(w.candidates), func(a versions.Artifact) bool { return !isOf(a, numbers) })
	if w.bound = len(same) > 0 && len(same) < len(w.candidates); w.bound {
		w.candidates = same
	}
}

// preferDefault puts first what the chart names there by itself; the newest is first otherwise.
func (r Rewrite) preferDefault(w *want) {
	text, _ := valuetree.LookUp(r.Defaults, w.path).(string)
	at := slices.IndexFunc(w.candidates, func(a versions.Artifact) bool { return w.isNamed(a, text) })
	if at > 0 {
		w.candidates = slices.Concat(w.candidates[at:at+1], w.candidates[:at], w.candidates[at+1:])
	}
}

// isNamed tells whether a text is the artifact, at whatever registry.
func (w *want) isNamed(a versions.Artifact, text string) bool {
	if w.value.IsWhole() {
		named, err := ref.ParseImage(text)
		return err == nil && named.Tag == a.Source.Tag && path.Base(named.Repository) == path.Base(a.Source.Repository)
	}
	return w.value.Tree == "{"+w.primary+".tag}" && text == a.Source.Tag
}

// place sets a value to the first of what it may name that is at the target.
func (r Rewrite) place(made *Rewritten, w want) error {
	made.Paths = append(made.Paths, w.path)
	fill := versions.Fill{Target: r.Target, PullSecret: r.PullSecret, Images: map[string]versions.Artifact{}}
	if w.primary == "" {
		return r.set(made, w, fill)
	}
	chosen, err := r.first(w.candidates)
	if err != nil {
		return err
	}
	if chosen < 0 {
		r.leaveOut(made, w, w.candidates[0])
		return nil
	}
	fill.Images[w.primary] = w.candidates[chosen]
	for _, name := range w.value.Images() {
		if name == w.primary {
			continue
		}
		others := r.called(name)
		at, err := r.first(others)
		if err != nil {
			return err
		}
		if at < 0 {
			r.leaveOut(made, w, slices.Concat(others, w.candidates)[0])
			return nil
		}
		fill.Images[name] = others[at]
	}
	if err := r.set(made, w, fill); err != nil || chosen == 0 {
		return err
	}
	return r.tellMoved(made, w, fill, chosen)
}

// tellMoved notes that a value names another version than the first choice, if one sees that.
func (r Rewrite) tellMoved(made *Rewritten, w want, fill versions.Fill, chosen int) error {
	is, err := w.value.Make(fill)
	if err != nil {
		return err
	}
	fill.Images[w.primary] = w.candidates[0]
	wouldBe, err := w.value.Make(fill)
	if err == nil && !same(is, wouldBe) {
		made.Moved = append(made.Moved, Moved{Key: valuepath.Key(w.path), From: w.candidates[0], To: w.candidates[chosen]})
	}
	return err
}

func (r Rewrite) set(made *Rewritten, w want, fill versions.Fill) error {
	value, err := w.value.Make(fill)
	if err == nil {
		made.Values, _ = valuetree.SetIn(made.Values, r.Defaults, w.path, value).(map[string]any)
	}
	return err
}

// leaveOut leaves a value as the chart has it, or puts there what stands for nothing.
func (r Rewrite) leaveOut(made *Rewritten, w want, missing versions.Artifact) {
	left := LeftOut{Key: valuepath.Key(w.path), Artifact: missing}
	nothing := w.value.None
	if text, _ := valuetree.LookUp(r.Defaults, w.path).(string); nothing == nil && w.bound && text != "" && w.value.IsWhole() {
		nothing = ""
	}
	if nothing != nil {
		left.Emptied = true
		made.Values, _ = valuetree.SetIn(made.Values, r.Defaults, w.path, nothing).(map[string]any)
	}
	made.LeftOut = append(made.LeftOut, left)
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

var numberPattern = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)*`)

// isOf tells whether an artifact serves one of the versions, "17.5", or majors, "17".
func isOf(a versions.Artifact, numbers []string) bool {
	return slices.ContainsFunc(a.Versions, func(v postgres.Version) bool {
		return slices.Contains(numbers, v.String()) || slices.Contains(numbers, strconv.Itoa(v.Major))
	})
}
