package formats

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

type regsyncConfig struct {
	Version int           `yaml:"version"`
	Sync    []regsyncSync `yaml:"sync"`
}

type regsyncSync struct {
	Source string `yaml:"source"`
	Target string `yaml:"target"`
	Type   string `yaml:"type"`
}

// regsync is the configuration of regclient's regsync. A digest in the source goes before its tag.
func regsync(items []Item) ([]byte, error) {
	config := regsyncConfig{Version: 1, Sync: []regsyncSync{}}
	for _, i := range inRegistry(items) {
		config.Sync = append(config.Sync, regsyncSync{i.source().String(), i.Target.String(), "image"})
	}
	return document(config, left(items, func(i Item) bool { return i.ChartURL == "" })...)
}

// skopeo is what `skopeo sync --src yaml` reads: by registries, repositories and tags. Where
// things go it cannot say.
func skopeo(items []Item) ([]byte, error) {
	type registry struct {
		Images map[string][]string `yaml:"images"`
	}
	config := map[string]registry{}
	for _, i := range inRegistry(items) {
		from, ok := config[i.Source.Host]
		if !ok {
			from = registry{map[string][]string{}}
			config[i.Source.Host] = from
		}
		tag := i.Source.Tag
		if tag == "" {
			tag = i.source().Digest
		}
		from.Images[i.Source.Repository] = append(from.Images[i.Source.Repository], tag)
	}
	comments := append(destinations(items), left(items, func(i Item) bool { return i.ChartURL == "" })...)
	return document(config, comments...)
}

// destinations say where skopeo would have to put it: it adds a repository's last element to what
// it is told, and nothing else.
func destinations(items []Item) []string {
	folders := map[string]bool{}
	for _, i := range inRegistry(items) {
		if path.Base(i.Source.Repository) != path.Base(i.Target.Repository) {
			return []string{"skopeo sync cannot put this where it was relocated to: it keeps the last element of each repository"}
		}
		folders[i.Target.Parent().String()] = true
	}
	if len(folders) != 1 {
		return []string{"skopeo sync puts all into one folder, and this was relocated into several"}
	}
	for folder := range folders {
		return []string{"skopeo sync --all --src yaml --dest docker FILE " + folder}
	}
	return nil
}

type manifest struct {
	APIVersion string         `yaml:"apiVersion"`
	Kind       string         `yaml:"kind"`
	Metadata   *metadata      `yaml:"metadata,omitempty"`
	Spec       any            `yaml:"spec,omitempty"`
	Mirror     map[string]any `yaml:"mirror,omitempty"`
}

type metadata struct {
	Name      string `yaml:"name"`
	Namespace string `yaml:"namespace,omitempty"`
}

type named struct {
	Name string `yaml:"name"`
}

type haulerChart struct {
	Name    string `yaml:"name"`
	RepoURL string `yaml:"repoURL"`
	Version string `yaml:"version"`
}

// hauler is what `hauler store sync` reads: images and charts in a document each.
func hauler(items []Item) ([]byte, error) {
	images, charts := []named{}, []haulerChart{}
	for _, i := range items {
		if !i.IsChart() {
			images = append(images, named{i.Source.String()})
			continue
		}
		chart := haulerChart{Name: chartName(i), RepoURL: "oci://" + i.Source.Parent().String(), Version: chartVersion(i)}
		if i.ChartURL != "" {
			chart.RepoURL = i.ChartURL
		}
		charts = append(charts, chart)
	}
	const api = "content.hauler.cattle.io/v1"
	text, err := document(manifest{APIVersion: api, Kind: "Images", Metadata: &metadata{Name: "pgrelocate"}, Spec: map[string]any{"images": images}})
	if err != nil || len(charts) == 0 {
		return text, err
	}
	more, err := document(manifest{APIVersion: api, Kind: "Charts", Metadata: &metadata{Name: "pgrelocate"}, Spec: map[string]any{"charts": charts}})
	return append(append(text, "---\n"...), more...), err
}

type ocMirrorChart struct {
	Name    string `yaml:"name"`
	Version string `yaml:"version"`
}

type ocMirrorRepository struct {
	Name   string          `yaml:"name"`
	URL    string          `yaml:"url"`
	Charts []ocMirrorChart `yaml:"charts"`
}

// ocMirror is an ImageSetConfiguration. It takes charts from classic repositories only. Images that have
// a tag and a digest are pulled by the digest, and put by the tag.
func ocMirror(items []Item) ([]byte, error) {
	images := []named{}
	for _, i := range items {
		if !i.IsChart() {
			images = append(images, named{i.source().String()})
		}
	}
	mirror := map[string]any{"additionalImages": images}
	if repositories := ocMirrorRepositories(items); len(repositories) > 0 {
		mirror["helm"] = map[string]any{"repositories": repositories}
	}
	return document(manifest{APIVersion: "mirror.openshift.io/v2alpha1", Kind: "ImageSetConfiguration", Mirror: mirror},
		left(items, func(i Item) bool { return !i.IsChart() || i.ChartURL != "" })...)
}

// ocMirrorRepositories are the classic repositories of charts, each once and by a name of its own: a
// second one of the same name is taken for the first, at whose address its charts are not.
func ocMirrorRepositories(items []Item) []ocMirrorRepository {
	var all []ocMirrorRepository
	for _, i := range items {
		if i.ChartURL == "" {
			continue
		}
		at := slices.IndexFunc(all, func(r ocMirrorRepository) bool { return r.URL == i.ChartURL })
		if at < 0 {
			at = len(all)
			all = append(all, ocMirrorRepository{Name: freeName(all, chartName(i)), URL: i.ChartURL})
		}
		all[at].Charts = append(all[at].Charts, ocMirrorChart{chartName(i), chartVersion(i)})
	}
	return all
}

// freeName is a name that no repository has yet.
func freeName(all []ocMirrorRepository, want string) string {
	name := want
	taken := func(r ocMirrorRepository) bool { return r.Name == name }
	for n := 2; slices.ContainsFunc(all, taken); n++ {
		name = fmt.Sprintf("%s-%d", want, n)
	}
	return name
}

// chartName is what a chart is called: the last element of its repository.
func chartName(i Item) string { return path.Base(i.Source.Repository) }

// chartVersion is a chart's version: in a tag an underscore stands for a plus.
func chartVersion(i Item) string { return strings.ReplaceAll(i.Source.Tag, "_", "+") }
