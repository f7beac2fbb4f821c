package survey

import (
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Moved are the values with which a chart names its images below a target.
type Moved struct {
	// Values are the values to set, without the user's own. They name nothing but the target.
	Values map[string]any
	// Keys are their paths as helm's --set takes them, sorted.
	Keys []string
	// Unreached are the places that no value leads to the target.
	Unreached []naming.Mention
	// Images are the images, each with its place at the target. One that charts spell in two ways
	// has two.
	Images []Relocated
}

// Relocated is an image with its name at the target.
type Relocated struct{ Source, Target ref.Reference }

// Below is where an image goes below a folder: its repository keeps its path, as it is
// spelled, so that a value that takes a registry alone can lead to it.
func Below(target ref.Folder, m naming.Mention) ref.Reference {
	path, _, _ := strings.Cut(Tail(m), "@")
	if at := strings.LastIndexByte(path, ':'); at >= 0 {
		path = path[:at]
	}
	at := target.Reference(path, m.Image.Tag)
	if at.Tag == "" {
		at.Digest = m.Image.Digest
	}
	return at
}

// Tail is a mention's name without its host.
func Tail(m naming.Mention) string {
	if m.End == 0 {
		return strings.TrimPrefix(m.Image.String(), m.Image.Host+"/")
	}
	for _, host := range ref.Hosts(m.Image.Host) {
		if tail, ok := strings.CutPrefix(m.Spelled(), host+"/"); ok {
			return tail
		}
	}
	return m.Spelled()
}

// Values solves what was found for a target: the values that lead every image there as the chart
// is with the user's values, and with optional those that it runs once something is switched on.
func (f *Survey) Values(target ref.Folder, optional bool) *Moved {
	views := f.views[:1]
	if optional {
		views = f.views
	}
	solved := &solving{survey: f, target: target, chosen: map[int]string{}}
	if one, ok := solved.byOne(views); ok {
		solved.chosen = map[int]string{one: target.String()}
	}
	moved := &Moved{}
	for _, v := range views {
		for i, m := range v.mentions {
			if !solved.lead(m, v.leads[i]) {
				moved.Unreached = append(moved.Unreached, m)
			}
			if image := (Relocated{m.Image, Below(target, m)}); !m.Repository && !slices.Contains(moved.Images, image) {
				moved.Images = append(moved.Images, image)
			}
		}
	}
	moved.Values, moved.Keys = solved.values(views)
	return moved
}

// solving looks for what each mark's part has to be.
type solving struct {
	survey *Survey
	target ref.Folder
	chosen map[int]string
}

// lead chooses the first value that can lead a mention to the target.
func (s *solving) lead(m naming.Mention, leads []lead) bool {
	for _, l := range leads {
		part, ok := s.part(m, l)
		if !ok {
			continue
		}
		if has, known := s.chosen[l.mark]; known && has == part {
			return true
		}
	}
	for _, l := range leads {
		part, ok := s.part(m, l)
		if _, known := s.chosen[l.mark]; ok && !known {
			s.chosen[l.mark] = part
			return true
		}
	}
	return false
}

// part is what has to stand in a value so that a mention names the target: what its name will
// be, without what follows the value's part there.
func (s *solving) part(m naming.Mention, l lead) (string, bool) {
	part, ok := strings.CutSuffix(s.target.String()+"/"+Tail(m), l.suffix)
	return part, ok && part != ""
}

// byOne finds an empty value that leads every image by itself, as one registry for all does.
func (s *solving) byOne(views []*view) (int, bool) {
	counts, total := map[int]int{}, 0
	for _, v := range views {
		for i, m := range v.mentions {
			total++
			for _, l := range v.leads[i] {
				if part, ok := s.part(m, l); ok && part == s.target.String() && s.survey.marks[l.mark].free {
					counts[l.mark]++
				}
			}
		}
	}
	for mark := range s.survey.marks {
		if counts[mark] == total && total > 1 {
			return mark, true
		}
	}
	return 0, false
}

// values lays the chosen parts into their values.
func (s *solving) values(views []*view) (map[string]any, []string) {
	texts := map[string]change{}
	for i := len(s.survey.marks) - 1; i >= 0; i-- { // so that places in one value stay where they are
		part, ok := s.chosen[i]
		if !ok {
			continue
		}
		m := s.survey.marks[i]
		key := m.at.key()
		text := m.text
		if before, known := texts[key]; known {
			text = before.value.(string)
		}
		texts[key] = change{m.at, text[:m.start] + part + text[m.end:]}
	}
	keys := make([]string, 0, len(texts))
	changes := make([]change, 0, len(texts))
	for key, c := range texts {
		keys, changes = append(keys, key), append(changes, c)
	}
	if len(changes) > 0 {
		for _, gate := range s.survey.gates {
			keys, changes = append(keys, gate.at.key()), append(changes, gate)
		}
	}
	slices.Sort(keys)
	return with(nil, merged(views), changes), keys
}

// merged are all values of the views, for the lists in them.
func merged(views []*view) map[string]any {
	all := map[string]any{}
	for _, v := range views {
		over(all, v.all)
	}
	return all
}

// over adds to values what they lack of others.
func over(values, others map[string]any) {
	for key, value := range others {
		mine, isMap := values[key].(map[string]any)
		theirs, areMap := value.(map[string]any)
		switch _, known := values[key]; {
		case !known:
			values[key] = deepCopy(value)
		case isMap && areMap:
			over(mine, theirs)
		}
	}
}
