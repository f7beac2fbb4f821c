// Package uploads keeps a journal of the uploads that are open at registries: those outlive the
// process that opened them, so that the next run can go on with what they have.
//
//	journal, err := uploads.Open(folder)
//	claim := journal.Claim(host, repository, digest) // nobody else has it until Release
//	defer claim.Release()
//	ask(claim.Address()) // how far an earlier run has come, where that is not empty
//	claim.Note(location) // whenever the upload goes on elsewhere
//	claim.Forget()       // when nothing is left to go on with
//
// The journal is a folder with a file for each upload, written whole or not at all, and a lock
// beside it, which ends with its process. What cannot be read or is of another registry is as
// if it were not there. It holds names and addresses and no credentials: an address may carry the
// registry's note of how far an upload has come, which opens nothing to who may not push, and one
// at another host, which may be signed and so be a secret, is never kept. Nobody but the user
// can read it all the same.
package uploads
