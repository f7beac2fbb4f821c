package compile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
)

func TestClassic(t *testing.T) {
	got, err := classic(schema.Chart{URL: "https://charts.example.com:8443/stable/", Chart: "operator"}, "1.2.0+b7")
	if err != nil {
		t.Fatal(err)
	}
	want := versions.Location{
		Registry: ref.Folder{Host: "charts.example.com:8443", Path: "stable"}, Repository: "operator", Tag: "1.2.0_b7",
		As: "charts/operator", URL: "https://charts.example.com:8443/stable",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("classic() differs (-want +got):\n%s", diff)
	}
	if got, err := classic(schema.Chart{URL: "http://charts.example.com", Chart: "operator", As: "ours/op"}, ""); err != nil || got.As != "ours/op" || got.Tag != "" {
		t.Errorf("classic(no version) = %+v, %v, want it at ours/op", got, err)
	}
	refused := []struct {
		spec          schema.Chart
		version, want string
	}{
		{schema.Chart{URL: "oci://registry.example.com/charts", Chart: "c"}, "1", "write https://HOST[/PATH]"},
		{schema.Chart{URL: "https://", Chart: "c"}, "1", "no address"},
		{schema.Chart{URL: "https://charts.example.com?x=1", Chart: "c"}, "1", "more than a host"},
		{schema.Chart{URL: "https://me:secret@charts.example.com", Chart: "c"}, "1", "log in"},
		{schema.Chart{URL: "https://charts.example.com", Chart: ""}, "1", "is missing"},
		{schema.Chart{URL: "https://charts.example.com", Chart: "a/b"}, "1", "no name of a chart"},
		{schema.Chart{URL: "https://charts.example.com", Chart: "c"}, "{build}", "the release says nothing for {build}"},
		{schema.Chart{URL: "https://charts.example.com", Chart: "c"}, "a b", "tag"},
	}
	for _, tt := range refused {
		_, err := classic(tt.spec, tt.version)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("classic(%+v, %q) = %v, want an error with %q", tt.spec, tt.version, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("classic(%s) = %v, which tells the password", tt.spec.URL, err)
		}
	}
}
