// Package licences_test checks that what is linked into the program may be.
package licences_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// allowed are the licences that the program's own (Apache 2.0) gets along with, each with words
// that only its text has. Anything else is for a person to decide.
var allowed = []struct{ name, words string }{
	{"Apache-2.0", "Apache License Version 2.0, January 2004"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"BSD", "Redistribution and use in source and binary forms, with or without modification, are permitted"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted"},
	{"MPL-2.0", "Mozilla Public License, version 2.0"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
}

var refused = regexp.MustCompile(`(?i)gnu (affero |lesser |library )?general public license|server side public license|business source license`)

// licence is the name of a text's licence; empty where it is none of those allowed.
func licence(text []byte) string {
	words := strings.Join(strings.Fields(strings.ReplaceAll(string(text), ">", " ")), " ") // some are quoted
	for _, l := range allowed {
		if strings.Contains(words, l.words) {
			if strings.HasPrefix(l.name, "MPL") { // which itself names the GNU licences that it gets along with
				return l.name
			}
			if !refused.MatchString(words) {
				return l.name
			}
		}
	}
	return ""
}

func TestLicences(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		"{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", "github.com/pgrelocate/pgrelocate/cmd/pgrelocate")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.Bytes())
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || seen[fields[0]] {
			continue
		}
		seen[fields[0]] = true
		if names := licencesIn(t, fields[2]); len(names) == 0 {
			t.Errorf("%s %s: none of the licences that are allowed is in %s", fields[0], fields[1], fields[2])
		}
	}
	if len(seen) < 20 {
		t.Errorf("%d modules were looked at: that cannot be all", len(seen))
	}
}

// licencesIn reads what a module says of its licence. Where one of several files holds a licence that
// is not allowed, none is returned.
func licencesIn(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		upper := strings.ToUpper(entry.Name())
		if upper == "LICENSE.DOCS" || // of texts, which nobody links
			entry.IsDir() || !strings.HasPrefix(upper, "LICENSE") && !strings.HasPrefix(upper, "LICENCE") && !strings.HasPrefix(upper, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		name := licence(text)
		if name == "" {
			return nil
		}
		names = append(names, name)
	}
	return names
}

func TestLicence(t *testing.T) {
	tests := []struct{ text, want string }{
		{"Apache License\n   Version 2.0, January 2004\n", "Apache-2.0"},
		{"MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining\na copy of", "MIT"},
		{"Redistribution and use in source and binary forms, with or without\nmodification, are permitted provided", "BSD"},
		{"Mozilla Public License Version 2.0 ... GNU Lesser General Public License", "MPL-2.0"},
		{"GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007", ""},
		{"Permission is hereby granted, free of charge, to any person obtaining a copy ... or the GNU Affero General Public License", ""},
		{"All rights reserved.", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := licence([]byte(tt.text)); got != tt.want {
			t.Errorf("licence(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}
