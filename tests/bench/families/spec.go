package families

import (
	"fmt"
	"math"
)

// Spec says which images there are and which layers they share: 23 artifacts with
// 59 distinct blobs in 61 places in repositories, 1.60 GB, as release 4.3.1 has them.
type Spec struct {
	Name      string
	Layers    map[string]int64 // sizes by name
	Artifacts []Artifact
	Releases  []string // those of a family of several, by name
}

// Artifact is an image, or the chart.
type Artifact struct {
	Repository string
	Tag        string
	Layers     []string
	chart      bool
}

// String is REPOSITORY:TAG.
func (a Artifact) String() string { return a.Repository + ":" + a.Tag }

const (
	// Release is the one that a family is of.
	Release = "v4.3.1"
	// Folder is where it belongs at the target.
	Folder = "tanzu-sql-postgres"
)

// versions are the order in which people copy.
var versions = []string{
	"17.5", "17.4", "16.9", "16.8", "15.13", "15.12", "14.18", "14.17", "13.21", "13.20",
}

// New is the family of a release; sizes are in MB at scale 1.
func New(scale float64) *Spec {
	f := &Spec{Name: "family", Layers: map[string]int64{}}
	layer := func(name string, megabytes float64) string {
		f.Layers[name] = max(1000, int64(math.Round(megabytes*scale*1e6)))
		return name
	}
	base := layer("base", 31)
	f.add("vmware-sql-postgres-operator", Release, layer("chart", 0.09))
	f.Artifacts[0].chart = true
	f.add("postgres-operator", Release, base,
		layer("operator runtime", 18), layer("operator", 52), layer("operator config", 3))
	common := []string{
		base, layer("instance tools", 88), layer("instance backup", 24), layer("instance agent", 12), layer("instance scripts", 3),
	}
	for i, version := range versions {
		major := version[:2]
		own := append(append([]string(nil), common...),
			layer("libraries "+major, 40), layer("server "+version, 44+spread(i, 1.5)))
		full := append(append([]string(nil), own...), layer("extensions "+version, 69+spread(i, 2)))
		f.add("postgres-instance", "v"+version+"-"+Release, full...)
		f.add("postgres-instance", "v"+version+"-lite-"+Release, own...)
	}
	f.add("ferretdb", "v2.3.1", base, layer("ferretdb", 38), layer("ferretdb config", 1))
	return f
}

// spread makes sizes differ by their number without changing the sum over ten.
func spread(i int, step float64) float64 { return (float64(i) - 4.5) * step }

func (f *Spec) add(repository, tag string, layers ...string) {
	f.Artifacts = append(f.Artifacts, Artifact{Repository: repository, Tag: tag, Layers: layers})
}

// Single is a family of one image with one layer.
func Single(size int64) *Spec {
	return &Spec{
		Name:      "family",
		Layers:    map[string]int64{"layer": size},
		Artifacts: []Artifact{{Repository: "postgres-operator", Tag: Release, Layers: []string{"layer"}}},
	}
}

// Key names the family's content: what changes it changes the name.
func (f *Spec) Key() string {
	var sum int64
	for _, size := range f.Layers {
		sum += size
	}
	return fmt.Sprintf("%s-1-%d-%d-%d", f.Name, len(f.Artifacts), len(f.Layers), sum)
}
