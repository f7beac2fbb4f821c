package versions

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTagVersions(t *testing.T) {
	p, err := Builtin().Product("tanzu")
	if err != nil {
		t.Fatal(err)
	}
	tags := []string{
		"v17.5-v4.3.1", "v17.5-lite-v4.3.1", "v17.6-v4.5.0", "v18.4-v4.5.0", "v18.4-lite-v4.5.0", "v18.4-v4.5.0",
		"latest", "v4.0.0", "v18.6", "v17.5", "v17.5-light-v4.3.1", "v17.5-lite-lite-v4.3.1", "v17-v4.3.1", "v17.5-v4.3.1.sig",
		"sha256-20cd8e22a7d0c903e608c3b21f9b344f81f19730047372e7bc499f5f0425b638.sig", "", "v17.05-v4.3.1", "xv17.5-v4.3.1",
	}
	want := []TagVersion{
		{"v4.5.0", Version{18, 4}, Full},
		{"v4.5.0", Version{18, 4}, Lite},
		{"v4.5.0", Version{17, 6}, Full},
		{"v4.3.1", Version{17, 5}, Full},
		{"v4.3.1", Version{17, 5}, Lite},
	}
	if diff := cmp.Diff(want, p.TagVersions("postgres-instance", tags)); diff != "" {
		t.Errorf("TagVersions(postgres-instance) differ (-want +got):\n%s", diff)
	}
}

// The vendor's registry holds an image that looks like an instance and that the operator
// does not use.
func TestTagVersionsNeverOfAnotherRepository(t *testing.T) {
	p, _ := Builtin().Product("tanzu")
	for _, repository := range []string{"postgres-oci", "postgres-operator", ""} {
		if got := p.TagVersions(repository, []string{"v18.6", "v17.5-v4.3.1"}); len(got) != 0 {
			t.Errorf("TagVersions(%q) = %v, want none", repository, got)
		}
	}
}

func TestTemplateReadsBackWhatItWrote(t *testing.T) {
	tests := []template{"v{version}-{release}", "{release}_{major}_{version}", "{release}-{release}-{version}", "a+{version}.{release}"}
	for _, tt := range tests {
		in := blanks{"release": "v4.3.1"}.with(ofVersion(Version{17, 10}))
		pattern := tt.matcher(nil)
		match := pattern.FindStringSubmatch(tt.expand(in))
		if match == nil {
			t.Errorf("matcher(%s) does not match %s", tt, tt.expand(in))
			continue
		}
		for _, word := range tt.words() {
			if got := match[pattern.SubexpIndex(word)]; got != in[word] {
				t.Errorf("matcher(%s) reads %s for %s, want %s", tt, got, word, in[word])
			}
		}
	}
}
