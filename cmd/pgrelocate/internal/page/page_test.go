package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/overviews"
)

// sample is a mirror in which everything is to be seen, with what the registry says in the place of WORD.
func sample(t *testing.T, word string) overviews.Mirror {
	t.Helper()
	states := overviews.MirrorStates()
	var releases []string
	for r := range 4 {
		var artifacts []string
		add := func(role, more string) {
			state := states[len(artifacts)%len(states)]
			if r > 0 {
				state = []string{"mirrored", "not mirrored"}[r/3]
			}
			used, lacks := "", ""
			if state == "damaged" {
				lacks = `"sha256:` + strings.Repeat("c", 64) + `"`
			}
			if len(artifacts)%3 == 1 {
				used = `"usedBy":"StatefulSet prod/orders WORD",`
			}
			artifacts = append(artifacts, fmt.Sprintf(`{"product":"tanzu","release":"v4.%d.1","role":%q,%s%s"state":%q,
				"target":"registry.example.com/team/mirror/of/something/long/tanzu-sql-postgres/postgres-%s:v4.%d.1-WORD",
				"digest":"sha256:%s","lockedDigest":"sha256:%s","error":"WORD","lacks":[%s]}`,
				r, role, more, used, state, role, r, strings.Repeat("a", 64), strings.Repeat("b", 64), lacks))
		}
		add("chart", "")
		add("operator", "")
		for major := 17; major > 12; major-- {
			for _, edition := range []string{"full", "lite"} {
				for c := range 1 + 4*(r%2) {
					add("instance", fmt.Sprintf(`"versions":["%d.5"],"edition":%q,"axes":{"os":"flavour-%d"},`, major, edition, c))
				}
			}
		}
		add("extra", `"extra":"WORD",`)
		add("chart-image", "")
		releases = append(releases, fmt.Sprintf(`{"product":"tanzu","release":"v4.%d.1","counts":{"mirrored":9,"missing":2,"not mirrored":3},"inUse":2,"artifacts":[%s]}`, r, strings.Join(artifacts, ",")))
	}
	text := `{"schemaVersion":1,"kind":"Mirror","product":"tanzu","title":"Some Product WORD","registry":"registry.example.com/team/mirror",
		"run":{"version":"v1","startedAt":"2026-11-26T02:00:00Z","durationSeconds":1},
		"looked":{"layers":true,"lock":"pgrelocate.lock","leftOut":3,"vendor":true,"cluster":true,"clusterHost":"https://10.0.0.1:6443","runs":true},
		"counts":{"mirrored":41,"missing":3,"drifted":1,"damaged":2,"unknown":1,"not mirrored":12},"inUse":5,"releases":[` + strings.Join(releases, ",") + `],
		"vendor":{"source":"vendor.example.com","current":"v4.3.1","newest":"v4.5.0","updateAvailable":true,"newVersions":["18.4"],
			"unknown":[{"release":"v4.5.0","versions":["18.4","17.6"]},{"release":"v4.6.0-rc.1","preview":true,"error":"WORD","versions":[]}]},
		"sizes":{"artifacts":41,"bytes":9000000000,"layers":120,"distinctBytes":3000000000,"sharedLayers":17},
		"runs":[{"command":"copy","began":"2026-11-26T02:00:00Z","exitCode":3,"durationSeconds":12,"results":{"copied":2,"WORD":1},"movedBytes":12345678,"error":"1 of 3 artifacts failed","failures":["WORD"],"lastSuccess":"2026-11-25T02:00:00Z"},
			{"command":"copy","began":"2026-11-25T02:00:00Z","exitCode":0,"durationSeconds":9,"results":{"present":3},"movedBytes":0},
			{"command":"copy","began":"2026-11-24T02:00:00Z","durationSeconds":0}],"otherRuns":2}`
	quoted, err := json.Marshal(word)
	if err != nil {
		t.Fatal(err)
	}
	var m overviews.Mirror
	if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "WORD", strings.Trim(string(quoted), `"`))), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// Whatever a registry, a vendor or a cluster says is text in the page.
func TestHostileWords(t *testing.T) {
	tame, err := Mirror(sample(t, "tame"))
	if err != nil {
		t.Fatal(err)
	}
	if !IsOurs(tame) || IsOurs([]byte("<!DOCTYPE html>\n<html lang=\"en\">\n<head>")) {
		t.Error("IsOurs() does not tell a page of ours from another")
	}
	for _, word := range []string{"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "' onmouseover='x", "</style></title><b>", "{{.Title}}", "\u202e\x1b[2J"} {
		page, err := Mirror(sample(t, word))
		if err != nil {
			t.Fatal(err)
		}
		if terminal.IsDangerous(string(page)) {
			t.Errorf("Mirror(%q) has what a terminal obeys, and what turns words round", word)
		}
		for _, part := range []string{"<", ">", `"`} {
			if got, want := bytes.Count(page, []byte(part)), bytes.Count(tame, []byte(part)); got != want {
				t.Errorf("Mirror(%q) has %d of %s, want %d as with other words", word, got, part, want)
			}
		}
	}
}

// A grid has a line for each version and a column for each edition, whatever the order.
func TestCard(t *testing.T) {
	m := sample(t, "x")
	c := newCard(m, m.Releases[0], 0)
	if got := strings.Join(c.Columns, ","); got != "full flavour-0,lite flavour-0" || len(c.Rows) != 5 || c.Rows[0].Version != "17.5" {
		t.Errorf("newCard() has the columns %s and %d lines", got, len(c.Rows))
	}
	if len(c.Beside) != 4 || c.Beside[2].Name != "x" {
		t.Errorf("newCard() has %v beside the instances", c.Beside)
	}
}
