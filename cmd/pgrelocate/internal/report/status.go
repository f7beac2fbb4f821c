package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
)

// statusMark begins every status.
const statusMark = `{"status":`

// longestStatus is what Kubernetes keeps of a container's termination message, in bytes.
const longestStatus = 4096

func isStatus(body []byte) bool { return bytes.HasPrefix(body, []byte(statusMark)) }

// claimStatus tells whether a status can be written. It is written in place: nobody may put files
// beside a container's termination log, which is mounted as a file by itself.
func claimStatus(path string) error {
	if path == "" {
		return nil
	}
	err := ownsStatus(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = files.CheckWritable(path, false)
	}
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	return nil
}

// ownsStatus fails where a file cannot be written, is not there, is a link, or holds something else.
func ownsStatus(path string) error {
	if err := files.CheckFree(path, true); err != nil {
		return err
	}
	body, err := files.ReadRegular(path, longestReport)
	if err != nil {
		return err
	}
	if len(body) > 0 && !isStatus(body) {
		return notOurs(path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

func writeStatus(o *outcome) error {
	if o.Status == "" {
		return nil
	}
	body, err := json.Marshal(status(o))
	if err == nil {
		if err = ownsStatus(o.Status); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = overwrite(o.Status, append(body, '\n'))
	}
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	return nil
}

// overwrite writes a file in place, or makes it.
func overwrite(path string, body []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|files.NoFollow, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Close())
}

func status(o *outcome) shard.Status {
	s := shard.Status{
		Schema: shard.StatusSchema, Command: o.Command, ExitCode: o.code, Shard: o.Shard, Tagged: o.Tagged, Results: map[string]int{},
		MovedBytes: o.MovedBytes, FetchedBytes: o.FetchedBytes, DurationSeconds: o.took().Seconds(),
		Error: short(o.text), Hint: short(o.hint),
	}
	for _, result := range o.results() {
		if n := o.count(result); n > 0 {
			s.Results[result] = n
		}
	}
	return s
}

// short is a text of which so much is kept that a status with two of them is not too long, whatever
// of it is written as an escape.
func short(text string) string {
	const most = longestStatus / 4 / 3
	if runes := []rune(text); len(runes) > most/2 {
		return string(runes[:most/2]) + "…"
	}
	return text
}
