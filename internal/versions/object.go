package versions

import "github.com/pgrelocate/pgrelocate/internal/versions/template"

// Object is a kind of object that lists images, an image catalog: one for each name that comes
// out of the placeholders in its metadata.name, and in it an entry for each image.
type Object struct {
	// Each names the images.
	Each string
	// Tree is the object without its entries; At is where those go, "spec.images".
	Tree map[string]any
	At   []string
	// Entry is one entry.
	Entry any
}

// Make is the object, and the entry, of one image.
func (o Object) Make(fill Fill) (object map[string]any, entry any) {
	b := fill.blanks(o.Each)
	object, _ = template.ExpandTree(o.Tree, b).(map[string]any)
	return object, template.ExpandTree(o.Entry, b)
}
