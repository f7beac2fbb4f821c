// Package checkup looks for what keeps a registry from serving as one side of a copy: its name, the
// way to it, who it takes its clients for, what it lets them do, and what it does with what they
// send.
//
//	result, err := checkup.Run(ctx, checkup.Options{Client: client, Recorder: recorder, References: wanted})
//
// It reads unless Options.Write allows more; and what it writes then it takes back.
package checkup
