import CSQLite
import Dispatch
import FoundationEssentials
import Glibc
import Tracking

extension Ledger {
    /// Copies the ledger as it is now to a new file, while it goes on being written.
    ///
    /// The file is readable by its owner only; it is whole and on disk when this returns.
    /// - Throws: `StorageError`; then there is no file.
    public func backup(to path: String) async throws {
        let source = try readableFile
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Self.longWork.async {
                continuation.resume(with: Result { try Self.copy(source, to: path) })
            }
        }
    }

    /// Copies the ledger as it is now, while it goes on being written, to a file that is gone once nobody reads it.
    /// - Returns: a descriptor to read it by, which the caller closes.
    public func backup() async throws -> Int32 {
        let source = try readableFile
        let places = [directory, temporaryDirectory]
        return try await withCheckedThrowingContinuation { continuation in
            Self.longWork.async {
                continuation.resume(
                    with: Result {
                        let copy = try WorkingCopy(for: .backup, in: places, size: ledgerSize(source))
                        try Self.fill(copy.path, from: source)
                        // The file lives on, without a name, for as long as it is being read.
                        let descriptor = open(copy.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
                        guard descriptor >= 0 else {
                            throw StorageError(.other, "cannot read the back-up that was just made")
                        }
                        return descriptor
                    })
            }
        }
    }

    static func copy(_ source: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StorageError(.readOnly, "cannot make the file \(path): \(String(cString: strerror(errno)))")
        }
        defer { Glibc.close(descriptor) }
        do {
            try fill(path, from: source)
            guard fsync(descriptor) == 0 else {
                throw StorageError(.other, "cannot bring \(path) to the disk: \(String(cString: strerror(errno)))")
            }
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Fills an empty file with a ledger as it is now.
    static func fill(
        _ path: String, from source: String, _ progress: (VerifyProgress) -> Void = { _ in }
    ) throws {
        let from = try openUnchanged(source)
        let to = try Connection(path: path, mode: .readWrite)
        // One read transaction holds one state of the ledger for the whole copy.
        try from.execute("BEGIN")
        _ = try from.number("PRAGMA schema_version")
        guard let backup = sqlite3_backup_init(to.handle, "main", from.handle, "main") else {
            throw StorageError(sqlite3_errcode(to.handle), to.handle, "copy the ledger")
        }
        var code = SQLITE_OK
        repeat {
            code = sqlite3_backup_step(backup, 1_000)
            let (total, rest) = (Int64(sqlite3_backup_pagecount(backup)), Int64(sqlite3_backup_remaining(backup)))
            progress(VerifyProgress(stage: .copying, done: total - rest, total: total))
        } while code == SQLITE_OK || code == SQLITE_BUSY
        sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE else { throw StorageError(code, to.handle, "copy the ledger") }
        try from.execute("COMMIT")
        // The copy is one plain file: no log beside it that could be left behind.
        _ = try to.rows("PRAGMA journal_mode = DELETE", [], { $0.text(0) })
    }

    /// Puts a back-up in the place of the ledger in `directory`, after checking it whole; one that an older version made
    /// is brought up.
    ///
    /// The ledger that was there stays beside it under another name, and so do its photos: the next start removes those
    /// that the back-up doesn't know. The caller holds the directory's lock.
    /// - Returns: what the check found, photos that are not in the directory among it, and the name under which the old
    ///   ledger is kept, where there was one.
    /// - Throws: `StorageError`; then nothing changed.
    public static func restore(
        _ backup: String, in directory: String, progress: (VerifyProgress) -> Void = { _ in }
    ) throws -> (report: VerifyReport, kept: String?) {
        let format = try checkFile(backup)
        WorkingCopy.sweep(directory, isLedgers: true)
        let fresh = try WorkingCopy(for: .restore, in: [directory], size: ledgerSize(backup))
        try fill(fresh.path, from: backup, progress)
        try Schema.migrate(Connection(path: fresh.path, mode: .readWrite))
        var report = try verify(
            file: fresh.path, scratch: directory, photosBeside: directory, progress: progress)
        if report.isRebuildable {
            // The events and all that follows from them are whole: the indexes are made anew from that.
            try mend(Connection(path: fresh.path, mode: .readWrite))
            (report.damage, report.isRebuildable) = ([], false)
        }
        if let problem = report.problem.map({ "\($0.table) \($0.row): \($0.message)" }) ?? report.damage.first {
            throw StorageError(.damaged, "cannot restore \(backup): it is damaged: \(problem)")
        }
        if format < Schema.version { report.olderFormat = format }
        // The daemon's user must be able to open what an admin restored.
        fresh.takeOwner(of: directory)
        let kept = try keepOld(in: directory)
        do {
            try fresh.keep(as: directory + "/" + fileName)
        } catch {
            // The old ledger stays where it is, and so must its log.
            if let kept {
                moveLog(of: directory + "/" + kept.replacing("-wal", with: ""), to: directory + "/" + fileName)
            }
            throw error
        }
        try? sync(directory)
        return (report, kept)
    }

    /// Gives the ledger that is there a second name, so that the one it has can be taken over in one step.
    private static func keepOld(in directory: String) throws -> String? {
        let path = directory + "/" + fileName
        let isThere = access(path, F_OK) == 0
        guard isThere || fileSize(path + "-wal") > 0 else { return nil }
        // Its log belongs to it and to no other file. One that is damaged, empty or gone is parted from its log.
        if fileSize(path) > 1, let old = try? Connection(path: path, mode: .readWrite) {
            _ = try? old.rows("PRAGMA journal_mode = DELETE", [], { $0.text(0) })
        }
        let suffix = "before-restore-\(systemClock().wall)"
        try keepPhotos(PhotoFiles.directory(beside: directory), as: directory + "/photos-\(suffix)")
        let kept = "ledger-\(suffix).db"
        guard !isThere || link(path, directory + "/" + kept) == 0 else {
            throw StorageError(.other, "cannot keep the old ledger: \(String(cString: strerror(errno)))")
        }
        moveLog(of: path, to: directory + "/" + kept)
        return isThere ? kept : kept + "-wal"
    }

    /// Gives the log of a ledger's file the name of another.
    private static func moveLog(of path: String, to other: String) {
        for suffix in ["-wal", "-shm"] { rename(path + suffix, other + suffix) }
    }

    /// Gives each photo a second name.
    private static func keepPhotos(_ photos: String, as kept: String) throws {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: photos), !names.isEmpty else { return }
        guard mkdir(kept, 0o700) == 0, names.allSatisfy({ link(photos + "/" + $0, kept + "/" + $0) == 0 }) else {
            throw StorageError(.other, "cannot keep the photos as \(kept): \(String(cString: strerror(errno)))")
        }
    }
}
