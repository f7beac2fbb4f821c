package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A name is as short as it can be and tell registries apart; a part of an address would be a figure.
func TestLabels(t *testing.T) {
	tests := []struct{ registries, want []string }{
		{[]string{"east.example.com/databases", "west.example.com"}, []string{"east", "west"}},
		{[]string{"harbor.east.example.com", "harbor.west.example.com"}, []string{"harbor.east", "harbor.west"}},
		{[]string{"10.0.0.1:5000", "registry.example.com"}, []string{"10.0.0.1:5000", "registry"}},
		{[]string{"127.0.0.1:5000", "127.0.0.1:5001"}, []string{"127.0.0.1:5000", "127.0.0.1:5001"}},
		{[]string{"localhost:5000", "localhost:5001"}, []string{"localhost:5000", "localhost:5001"}},
		{[]string{"r.example.com/test", "r.example.com/production"}, []string{"test", "production"}},
		{[]string{"r.example.com/test", "r.example.com"}, []string{"test", "r.example.com"}},
		{[]string{"a.b.c.d.example.com", "a.b.c.e.example.com"}, []string{"a.b.c.d.example.com", "a.b.c.e.example.com"}},
		{[]string{"a.example.com/x", "b.example.com/x", "b.example.com/y"}, []string{"a.example.com/x", "b.example.com/x", "b.example.com/y"}},
	}
	for _, tt := range tests {
		var all []ref.Folder
		for _, text := range tt.registries {
			folder, err := ref.ParseFolder(text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, folder)
		}
		if diff := cmp.Diff(tt.want, labelsOf(all)); diff != "" {
			t.Errorf("labelsOf(%v) (-want +got):\n%s", tt.registries, diff)
		}
	}
}
