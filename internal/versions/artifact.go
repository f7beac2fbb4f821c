package versions

import (
	"cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
)

// Role says what an artifact is for.
type Role string

// The roles that an artifact can have.
const (
	RoleChart    Role = "chart"
	RoleOperator Role = "operator"
	RoleInstance Role = "instance"
	// RoleExtra is an image beside the instances, FerretDB for example; Artifact.Extra names it.
	RoleExtra Role = "extra"
	// RoleChartImage is an image that a chart runs, or lists, and no catalogue has.
	RoleChartImage Role = "chart-image"
)

// Edition is the flavour of an instance image.
type Edition string

// The editions of an instance image.
const (
	Full Edition = "full"
	Lite Edition = "lite"
)

// Artifact is one thing to relocate: an image, an index or a chart.
type Artifact struct {
	// Product is the name of the product in the catalogue, "tanzu".
	Product string `json:"product"`
	// Release is the operator's release, "v4.3.1".
	Release string `json:"release"`
	Role    Role   `json:"role"`
	// Extra names the image where Role is RoleExtra, "ferretdb"; empty otherwise.
	Extra string `json:"extra,omitempty"`
	// Name tells charts of one release apart, and families of instances; empty for the
	// operator's chart, and for a family that is called "instance". See CalledInValues.
	Name string `json:"name,omitempty"`
	// Versions are the PostgreSQL versions that the image serves, newest first;
	// empty for charts and operators.
	Versions []postgres.Version `json:"versions,omitempty"`
	// Edition is empty where the release knows no editions.
	Edition Edition `json:"edition,omitempty"`
	// Axes are what the image is on others than edition: {"os": "trixie"}.
	Axes   map[string]string `json:"axes,omitempty"`
	Source ref.Reference     `json:"source"`
	// ChartURL is the classic Helm repository that the chart comes from, in which Source's last
	// element is its name, and its tag the version; empty for what a registry holds.
	ChartURL string        `json:"chartURL,omitempty"`
	Target   ref.Reference `json:"target"`
}

// CalledInValues is what the values of charts call the image; empty for charts.
func (a Artifact) CalledInValues() string {
	switch a.Role {
	case RoleOperator:
		return schema.OperatorName
	case RoleInstance:
		return cmp.Or(a.Name, schema.InstanceName)
	case RoleExtra:
		return a.Extra
	default:
		return ""
	}
}
