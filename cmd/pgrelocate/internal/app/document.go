package app

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
)

// dated is a result that says which run it is of, where it is one that does.
func (a *App) dated(result output.View) output.View {
	if of, ok := result.(view.Run); ok {
		return of.Of(view.NewOfRun(a.Build.Version, a.began, time.Since(a.began)))
	}
	return result
}

// Fill puts a result into another of its kind as everybody may see it: with the run that it is of, and
// without secrets. It is for what is neither a table nor JSON.
func (a *App) Fill(result, into output.View) error {
	var text bytes.Buffer
	if err := output.Write(&text, output.JSON, a.dated(result), a.secrets.HideAlone); err != nil {
		return err
	}
	return json.Unmarshal(text.Bytes(), into)
}
