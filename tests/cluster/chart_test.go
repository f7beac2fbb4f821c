package cluster_test

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

func parseChart(t *testing.T, archive []byte) *chart.Chart {
	t.Helper()
	parsed, err := chart.Parse(archive)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
