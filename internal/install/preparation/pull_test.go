package preparation_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const config = charttest.Template

// privateRegistry is a private registry that speaks the protocol, and the house's release in it.
type privateRegistry struct {
	*registrytest.Registry
	client  *remote.Client
	subject preparation.Subject
}

func newPrivateRegistry(t *testing.T, wrap ...registrytest.Middleware) *privateRegistry {
	t.Helper()
	s := &privateRegistry{Registry: registrytest.InProcess(t, registrytest.Options{Wrap: wrap})}
	var err error
	if s.client, err = remote.New(s.Host, remote.Options{Side: registry.SideTarget, CertsDirs: []string{}, CAFile: s.CAFile, RetryTimeout: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	all, err := catalogue.Merge(catalogue.Builtin(), "house.yaml", []byte(charttest.Catalogue))
	if err != nil {
		t.Fatal(err)
	}
	s.subject = preparation.Subject{Target: ref.Folder{Host: s.Host, Path: "house"}, HelmRelease: "house", Namespace: "pg"}
	if s.subject.Product, err = all.Product("house"); err != nil {
		t.Fatal(err)
	}
	if s.subject.Release, err = s.subject.Product.Release("1.0.0"); err != nil {
		t.Fatal(err)
	}
	if s.subject.Artifacts, err = versions.Select(all, versions.Selection{Product: "house", Target: s.subject.Target}); err != nil {
		t.Fatal(err)
	}
	return s
}

// at is where an artifact of a role belongs, REPOSITORY:TAG.
func (s *privateRegistry) at(t *testing.T, role versions.Role) string {
	t.Helper()
	for _, artifact := range s.subject.Artifacts {
		if artifact.Role == role {
			return artifact.Target.Repository + ":" + artifact.Target.Tag
		}
	}
	t.Fatalf("the release has no %s", role)
	return ""
}

// holds puts a chart with these values, and the operator's image, into the registry.
func (s *privateRegistry) holds(t *testing.T, values string) {
	t.Helper()
	archive := charttest.Pack(t, map[string]string{"Chart.yaml": "apiVersion: v2\nname: house\nversion: 1.0.0\n", "values.yaml": values, "templates/c.yaml": config})
	packed := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), helmregistry.ConfigMediaType)
	packed, err := mutate.AppendLayers(packed, static.NewLayer(archive, helmregistry.ChartLayerMediaType))
	if err != nil {
		t.Fatal(err)
	}
	s.Push(t, s.at(t, versions.RoleChart), packed)
	s.Push(t, s.at(t, versions.RoleOperator), image(t))
}

func image(t *testing.T) v1.Image {
	t.Helper()
	made, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

const defaultValues = "image: vendor.example.com/x/op:1.2.3\n"

// The chart is pulled by its digest, and rendered with the private registry's images.
func TestPreparePulls(t *testing.T) {
	s := newPrivateRegistry(t)
	s.holds(t, defaultValues)
	p, err := preparation.Prepare(t.Context(), s.subject, s.client, chart.RenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := s.Digest(t, s.at(t, versions.RoleChart)).String(); p.ChartDigest != want {
		t.Errorf("Prepare() has chart %s, want %s", p.ChartDigest, want)
	}
	if got := p.Rendering.Manifest(); !strings.Contains(got, s.Host+"/house/op:1.2.3") || strings.Contains(got, "vendor.example.com") {
		t.Errorf("Prepare() renders\n%s\nwant the private registry's image alone", got)
	}
}

// What is not there, what is no chart, and a registry that does not answer are told apart.
func TestPrepareCannotPull(t *testing.T) {
	broken := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				next.ServeHTTP(w, r)
				return
			}
			http.Error(w, "no", http.StatusInternalServerError)
		})
	}
	for _, tt := range []struct {
		name   string
		wrap   []registrytest.Middleware
		with   func(t *testing.T, s *privateRegistry)
		is     func(error) bool
		absent bool
	}{
		{"nothing was relocated", nil, func(*testing.T, *privateRegistry) {}, func(err error) bool {
			return as[*preparation.AbsentError](err) && strings.Contains(err.Error(), "/house/")
		}, true},
		{"an image in the chart's place", nil, func(t *testing.T, s *privateRegistry) { s.Push(t, s.at(t, versions.RoleChart), image(t)) },
			func(err error) bool { return errors.Is(err, chart.ErrNotAChart) && !as[*preparation.AbsentError](err) }, false},
		{"a registry with a bad day", []registrytest.Middleware{broken}, func(*testing.T, *privateRegistry) {},
			func(err error) bool { return strings.HasPrefix(err.Error(), "pulling chart ") }, false},
		{"a release without a chart", nil, func(_ *testing.T, s *privateRegistry) { s.subject.Artifacts = nil }, as[*preparation.NoChartError], false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newPrivateRegistry(t, tt.wrap...)
			tt.with(t, s)
			_, err := preparation.Prepare(t.Context(), s.subject, s.client, chart.RenderOptions{})
			if err == nil || !tt.is(err) || errors.Is(err, preparation.ErrNotMirrored) != tt.absent {
				t.Errorf("Prepare() = %v, want its cause; not relocated: %v", err, tt.absent)
			}
		})
	}
}

// Values name what is there and nothing else; without the operator's image there are none.
func TestValues(t *testing.T) {
	s := newPrivateRegistry(t)
	_, err := preparation.Values(t.Context(), s.subject, s.client, chart.Confinement{})
	var absent *preparation.AbsentError
	if !errors.As(err, &absent) || !errors.Is(err, preparation.ErrNotMirrored) || len(absent.Images) != 1 || !strings.Contains(absent.Images[0], "/house/op:1.2.3") {
		t.Errorf("Values() of nothing = %v, want the operator's image named", err)
	}
	made, err := preparation.Values(t.Context(), s.subject, nil, chart.Confinement{})
	if err != nil || made.Values["image"] != s.Host+"/house/op:1.2.3" {
		t.Errorf("Values(without a registry) = %v, %v, want the image at the target", made, err)
	}
	s.Push(t, s.at(t, versions.RoleOperator), image(t))
	if made, err = preparation.Values(t.Context(), s.subject, s.client, chart.Confinement{}); err != nil || made.Values["image"] != s.Host+"/house/op:1.2.3" {
		t.Errorf("Values(without the chart) = %v, %v, want the image at the target", made, err)
	}
}

// Images that no catalogue knows and the chart's values name move once they were relocated, and
// not before: what is named has to be there.
func TestValuesOfOtherImages(t *testing.T) {
	s := newPrivateRegistry(t)
	s.holds(t, defaultValues+"exporter: {image: quay.example.com/tools/exporter:2}\n")
	made, err := preparation.Values(t.Context(), s.subject, s.client, chart.Confinement{})
	if err != nil || made.Values["exporter"] != nil {
		t.Errorf("Values() = %v, %v, want nothing said of an image that is not there", made, err)
	}
	s.Push(t, "house/tools/exporter:2", image(t))
	made, err = preparation.Values(t.Context(), s.subject, s.client, chart.Confinement{})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := made.Values["exporter"].(map[string]any); got["image"] != s.Host+"/house/tools/exporter:2" {
		t.Errorf("Values() = %v, want the relocated exporter", made.Values)
	}
}

// Another chart of the release goes in with values of its own, and the pull secret stays the operator's.
func TestOther(t *testing.T) {
	s := newPrivateRegistry(t)
	s.subject.User.Set = []string{"image=mine"}
	other := s.subject.Other(versions.Chart{Name: "dashboard", HelmRelease: "house-dashboard"})
	if other.Part != "dashboard" || other.HelmRelease != "house-dashboard" || other.Operator != "house" || len(other.User.Set) > 0 {
		t.Errorf("Other() = %+v, want the dashboard beside house, without the operator's values", other)
	}
	if again := other.Other(versions.Chart{Name: "more", HelmRelease: "more"}); again.Operator != "house" {
		t.Errorf("Other() of another = operator %s, want house", again.Operator)
	}
}

func as[E error](err error) bool {
	var found E
	return errors.As(err, &found)
}
