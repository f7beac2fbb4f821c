package main

import (
	"fmt"
	"math"
)

// familySpec says which images there are and which layers they share: 23 artifacts with
// 59 distinct blobs in 61 places in repositories, 1.60 GB, as release 4.3.1 has them.
type familySpec struct {
	name      string
	layers    map[string]int64 // sizes by name
	artifacts []artifactSpec
	releases  []string // those of a family of several, by name
}

// artifactSpec is an image, or the chart.
type artifactSpec struct {
	Repository string
	Tag        string
	Layers     []string
	chart      bool
}

func (a artifactSpec) String() string { return a.Repository + ":" + a.Tag }

const (
	release = "v4.3.1"
	folder  = "tanzu-sql-postgres" // at the target
)

// versionsInOrder are the order in which people copy.
var versionsInOrder = []string{
	"17.5", "17.4", "16.9", "16.8", "15.13", "15.12", "14.18", "14.17", "13.21", "13.20",
}

// newFamily makes the family's spec; sizes are in MB at scale 1.
func newFamily(scale float64) *familySpec {
	f := &familySpec{name: "family", layers: map[string]int64{}}
	layer := func(name string, megabytes float64) string {
		f.layers[name] = max(1000, int64(math.Round(megabytes*scale*1e6)))
		return name
	}
	base := layer("base", 31)
	f.add("vmware-sql-postgres-operator", release, layer("chart", 0.09))
	f.artifacts[0].chart = true
	f.add("postgres-operator", release, base,
		layer("operator runtime", 18), layer("operator", 52), layer("operator config", 3))
	common := []string{
		base, layer("instance tools", 88), layer("instance backup", 24), layer("instance agent", 12), layer("instance scripts", 3),
	}
	for i, version := range versionsInOrder {
		major := version[:2]
		own := append(append([]string(nil), common...),
			layer("libraries "+major, 40), layer("server "+version, 44+spread(i, 1.5)))
		full := append(append([]string(nil), own...), layer("extensions "+version, 69+spread(i, 2)))
		f.add("postgres-instance", "v"+version+"-"+release, full...)
		f.add("postgres-instance", "v"+version+"-lite-"+release, own...)
	}
	f.add("ferretdb", "v2.3.1", base, layer("ferretdb", 38), layer("ferretdb config", 1))
	return f
}

// spread makes sizes differ by their number without changing the sum over ten.
func spread(i int, step float64) float64 { return (float64(i) - 4.5) * step }

func (f *familySpec) add(repository, tag string, layers ...string) {
	f.artifacts = append(f.artifacts, artifactSpec{Repository: repository, Tag: tag, Layers: layers})
}

// single is a family of one image with one layer.
func single(size int64) *familySpec {
	return &familySpec{
		name:      "family",
		layers:    map[string]int64{"layer": size},
		artifacts: []artifactSpec{{Repository: "postgres-operator", Tag: release, Layers: []string{"layer"}}},
	}
}

// key names the family's content: what changes it changes the name.
func (f *familySpec) key() string {
	var sum int64
	for _, size := range f.layers {
		sum += size
	}
	return fmt.Sprintf("%s-1-%d-%d-%d", f.name, len(f.artifacts), len(f.layers), sum)
}
