package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
	"github.com/pgrelocate/pgrelocate/internal/versions/template"
	"github.com/pgrelocate/pgrelocate/internal/versions/valuepath"
)

func valuesOf(specs []schema.Value) []versions.Value {
	var all []versions.Value
	for _, spec := range specs {
		v := versions.Value{At: string(spec.At), Each: spec.Each, Tree: spec.Value, None: spec.None}
		if spec.JSON != nil {
			v.Tree, v.JSON = spec.JSON, true
		}
		all = append(all, v)
	}
	return all
}

// checkValue finds what is wrong with a value of a shape's chart.
func checkValue(s schema.Shape, spec schema.Value) error {
	if err := valuepath.Check(valuepath.Split(string(spec.At))); err != nil {
		return err
	}
	if spec.Value != nil && spec.JSON != nil {
		return fmt.Errorf("it has a value or json, not both")
	}
	v := valuesOf([]schema.Value{spec})[0]
	if err := checkTree(s, v.Tree, v.Each); err != nil {
		return err
	}
	allowed, err := s.AxesOf(v.Each)
	if err != nil {
		return fmt.Errorf("each: %w", err)
	}
	if err := spec.At.Check(allowed...); err != nil {
		return fmt.Errorf("at: %w", err)
	}
	return nil
}

// deepestTree is how deep a tree of values is at most: a deeper one is an attack or a mistake.
const deepestTree = 64

// isDeeper tells whether maps and lists lie in one another more than so many times.
func isDeeper(tree any, than int) bool {
	if than < 0 {
		return true
	}
	switch tree := tree.(type) {
	case []any:
		return slices.ContainsFunc(tree, func(item any) bool { return isDeeper(item, than-1) })
	case map[string]any:
		for _, item := range tree {
			if isDeeper(item, than-1) {
				return true
			}
		}
	}
	return false
}

// checkTree finds placeholders in a tree that a shape has nothing for.
func checkTree(s schema.Shape, tree any, each string) (err error) {
	if isDeeper(tree, deepestTree) {
		return fmt.Errorf("its value is deeper than %d maps and lists", deepestTree)
	}
	axes, _ := s.AxesOf(each)
	template.EachWord(tree, func(word string) {
		if err != nil || word == schema.PullSecretWord || slices.Contains(axes, word) {
			return
		}
		name, field, _ := strings.Cut(word, ".")
		switch {
		case name == "target" && slices.Contains([]string{"", "host", "path"}, field):
		case !slices.Contains(s.Families(), name):
			err = suggest.Unknown(name, "an image of the shape", append(s.Families(), "target", schema.PullSecretWord))
		case !slices.Contains(versions.ImageFields(), field):
			err = suggest.Unknown(field, "a part of an image's name", versions.ImageFields())
		}
	})
	return err
}
