package licences

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// allowed are the licences that the program's own (Apache 2.0) gets along with, each with words
// that only its text has. Anything else is for a person to decide.
var allowed = []struct{ name, words string }{
	{"Apache-2.0", "Apache License Version 2.0, January 2004"},
	{"Apache-2.0", `Licensed under the Apache License, Version 2.0 (the "License")`}, // which names where the text is
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
	modules, err := Modules(t.Context(), ".", Platforms...)
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range modules {
		texts, err := module.Terms()
		if err != nil {
			t.Fatal(err)
		}
		if len(texts) == 0 {
			t.Errorf("%s %s: no licence in %s", module.Path, module.Version, module.Dir)
		}
		for _, text := range texts {
			if licence(text.Content) == "" {
				t.Errorf("%s %s: %s holds none of the licences that are allowed", module.Path, module.Version, text.Name)
			}
		}
	}
	if len(modules) < 20 {
		t.Errorf("%d modules were looked at: that cannot be all", len(modules))
	}
}

// The archives are built for the systems that are looked at here.
func TestPlatformsAreThoseOfReleases(t *testing.T) {
	data, err := os.ReadFile("../../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Builds []struct{ Goos, Goarch []string }
	}
	if err := yaml.Unmarshal(data, &config); err != nil || len(config.Builds) == 0 {
		t.Fatalf("%+v, %v", config, err)
	}
	var built []string
	for _, system := range config.Builds[0].Goos {
		for _, arch := range config.Builds[0].Goarch {
			built = append(built, system+"/"+arch)
		}
	}
	if diff := cmp.Diff(built, Platforms); diff != "" {
		t.Errorf("Platforms (-.goreleaser.yaml +here):\n%s", diff)
	}
}

func TestLicence(t *testing.T) {
	tests := []struct{ text, want string }{
		{"Apache License\n   Version 2.0, January 2004\n", "Apache-2.0"},
		{"Copyright 2021 x\n\nLicensed under the Apache License,\nVersion 2.0 (the \"License\");", "Apache-2.0"},
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
