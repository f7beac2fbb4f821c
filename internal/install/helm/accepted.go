package helm

import (
	"maps"
	"strings"

	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// acceptedAnnotation is where a revision's record has the places that were accepted, one a line:
// among the annotations of the chart, for those of a record itself take no such text. The chart
// is rendered without it.
const acceptedAnnotation = cluster.Manager + ".dev/accepted"

// recordAccepted notes places in what is about to be recorded, and nothing else that was noted
// before: a chart could bring such an annotation along.
func recordAccepted(release *helmrelease.Release, places []naming.Accept) {
	if release.Chart == nil || release.Chart.Metadata == nil {
		return
	}
	metadata := *release.Chart.Metadata
	metadata.Annotations = maps.Clone(metadata.Annotations)
	delete(metadata.Annotations, acceptedAnnotation)
	if len(places) > 0 {
		lines := make([]string, len(places))
		for i, place := range places {
			lines[i] = place.Line()
		}
		if metadata.Annotations == nil {
			metadata.Annotations = map[string]string{}
		}
		metadata.Annotations[acceptedAnnotation] = strings.Join(lines, "\n")
	}
	release.Chart.Metadata = &metadata
}

// acceptedIn reads what was noted. What cannot be read accepts nothing.
func acceptedIn(release *helmrelease.Release) []naming.Accept {
	var places []naming.Accept
	for line := range strings.Lines(release.Chart.Metadata.Annotations[acceptedAnnotation]) {
		if place, err := naming.ParseAccept(strings.TrimSpace(line)); err == nil {
			places = append(places, place)
		}
	}
	return places
}
