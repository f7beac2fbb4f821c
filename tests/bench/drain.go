package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/tests/bench/families"
)

// drainWorkers is as many as pgrelocate has connections.
const drainWorkers = 8

// blobList is what inner-drain reads: one path a line.
func blobList(f *families.Family) string {
	var b strings.Builder
	for _, blob := range f.Blobs {
		fmt.Fprintf(&b, "/v2/%s/blobs/%s\n", blob.Repository, blob.Digest)
	}
	return b.String()
}

// drainSource is the inner process: HOST FILE.
func drainSource(args []string) int {
	if len(args) != 2 {
		return 2
	}
	file, err := os.Open(args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer file.Close()
	paths := make(chan string)
	failed := make(chan error, drainWorkers)
	var group sync.WaitGroup
	client := &http.Client{Timeout: time.Hour, Transport: &http.Transport{MaxIdleConnsPerHost: drainWorkers, DisableCompression: true}}
	for range drainWorkers {
		group.Go(func() {
			for path := range paths {
				if err := get(client, "http://"+args[0]+path); err != nil {
					failed <- err
					for range paths { // let the others finish
					}
					return
				}
			}
		})
	}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		paths <- lines.Text()
	}
	close(paths)
	group.Wait()
	close(failed)
	for err := range failed {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func get(client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
