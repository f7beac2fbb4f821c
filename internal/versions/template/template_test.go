package template

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
)

func TestTemplateReadsBackWhatItWrote(t *testing.T) {
	tests := []Template{"v{version}-{release}", "{release}_{major}_{version}", "{release}-{release}-{version}", "a+{version}.{release}"}
	for _, tt := range tests {
		in := Blanks{"release": "v4.3.1"}.With(OfVersion(postgres.Version{Major: 17, Minor: 10}))
		pattern := tt.Matcher(nil)
		read, ok := pattern.Read(tt.Expand(in))
		if !ok {
			t.Errorf("matcher(%s) does not match %s", tt, tt.Expand(in))
			continue
		}
		for _, word := range tt.Words() {
			if got := read[word]; got != in[word] {
				t.Errorf("matcher(%s) reads %s for %s, want %s", tt, got, word, in[word])
			}
		}
	}
}
