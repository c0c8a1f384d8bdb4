import Crypto
import Dispatch
import FoundationEssentials
import Glibc

/// The bytes of photos, beside the ledger: a file for each picture, named by its SHA-256, so that nothing that anybody
/// calls it is ever part of a path.
///
/// One change is made at a time: what one puts there, another can't sweep away before its event is on record.
actor PhotoFiles {
    private static let queue = DispatchQueue(label: "traveler.ledger.photos", qos: .utility)
    private let directory: String
    private var last: Task<Void, Never>?

    init(beside ledger: String) { directory = Self.directory(beside: ledger) }

    /// Where the photos of the ledger in this directory are.
    nonisolated static func directory(beside ledger: String) -> String { ledger + "/photos" }

    /// The bytes of a photo; nil where they are lost, or are not what they were.
    nonisolated static func read(_ digest: String, in directory: String) -> [UInt8]? {
        let bytes = FileManager.default.contents(atPath: directory + "/" + digest).map { [UInt8]($0) }
        return bytes.flatMap { self.digest($0) == digest ? $0 : nil }
    }

    /// Does something while nobody else changes files.
    func alone<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let before = last
        let task = Task {
            await before?.value
            return try await body()
        }
        last = Task { _ = await task.result }
        return try await task.value
    }

    /// Does something with files, off the cooperative pool.
    nonisolated private func run<Result: Sendable>(
        _ body: @escaping @Sendable (_ directory: String) throws -> Result
    ) async throws -> Result {
        let directory = directory
        return try await withCheckedThrowingContinuation { continuation in
            Self.queue.async { continuation.resume(with: Swift.Result { try body(directory) }) }
        }
    }

    nonisolated static func digest(_ bytes: [UInt8]) -> String {
        Ledger.hexadecimal(Array(SHA256.hash(data: bytes)))
    }

    /// Brings the bytes to the disk under their digest; there they are whole or not at all.
    nonisolated func write(_ bytes: [UInt8], _ digest: String) async throws {
        try await run { directory in
            mkdir(directory, 0o700)
            let temporary = directory + "/new"
            unlink(temporary)
            let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw StorageError(writing: errno) }
            defer { Glibc.close(file) }
            do {
                var start = 0
                while start < bytes.count {
                    let count = bytes[start...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { throw StorageError(writing: errno) }
                    start += count
                }
                guard fsync(file) == 0, rename(temporary, directory + "/" + digest) == 0 else {
                    throw StorageError(writing: errno)
                }
            } catch {
                unlink(temporary)
                throw error
            }
            try sync(directory)
            // The directory itself may be new.
            try sync(directory + "/..")
        }
    }

    nonisolated func read(_ digest: String) async throws -> [UInt8]? {
        try await run { Self.read(digest, in: $0) }
    }

    nonisolated func remove(_ digest: String) async throws {
        try await run { directory in
            guard unlink(directory + "/" + digest) == 0 || errno == ENOENT else { throw StorageError(writing: errno) }
            try sync(directory)
        }
    }

    nonisolated func all() async throws -> [String] {
        try await run { try FileManager.default.contentsOfDirectory(atPath: $0) }
    }
}

/// Brings a directory's entries to the disk.
func sync(_ directory: String) throws {
    let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw StorageError(writing: errno) }
    defer { Glibc.close(folder) }
    guard fsync(folder) == 0 else { throw StorageError(writing: errno) }
}

extension StorageError {
    fileprivate init(writing code: Int32) {
        self.init(
            code == ENOSPC || code == EDQUOT ? .full : .readOnly,
            "cannot keep the photo: \(String(cString: strerror(code))); check the disk beside the ledger")
    }
}

extension Ledger {
    /// Keeps the bytes of a photo, then puts it on record: it is on disk before anybody is told so. If it is refused,
    /// nothing stays.
    ///
    /// - Parameter submit: puts the photo with this digest on record.
    public func keepPhoto<Answer: Sendable>(
        _ bytes: [UInt8], _ submit: @escaping @Sendable (_ digest: String) async throws -> Answer
    ) async throws -> Answer {
        let digest = PhotoFiles.digest(bytes)
        return try await photos.alone { [self] in
            try await photos.write(bytes, digest)
            do {
                let answer = try await submit(digest)
                // A repeated request may be about a photo that is gone by now.
                try? await sweep(digest)
                return answer
            } catch {
                try? await sweep(digest)
                throw error
            }
        }
    }

    /// Takes photos off the record, then their bytes off the disk, where no other item has the same.
    public func dropPhotos<Answer: Sendable>(
        _ digests: [String], _ submit: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer {
        try await photos.alone { [self] in
            let answer = try await submit()
            // What can't be removed now is swept at the next start.
            for digest in digests { try? await sweep(digest) }
            return answer
        }
    }

    /// The bytes of a photo; nil where they are lost.
    public func photo(_ digest: String) async throws -> [UInt8]? {
        try await photos.read(digest)
    }

    /// Removes what a stop in the middle of a change left behind.
    func sweepPhotos() async throws {
        try await photos.alone { [self] in
            for name in try await photos.all() { try await sweep(name) }
        }
    }

    private func sweep(_ digest: String) async throws {
        if try await !read({ try $0.hasPhoto(digest: digest) }) { try await photos.remove(digest) }
    }
}
