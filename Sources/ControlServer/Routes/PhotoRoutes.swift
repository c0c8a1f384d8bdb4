import ControlAPI
import Ledger
import Tracking

extension Control {
    /// The most bytes of a photo.
    static let photoSize = 10 << 20

    static let photoRoutes = [
        Route(
            .get, "/returns/{id}/items/{item}/photos", "The photos of an item", .seeReturns,
            output: .json(.items(.named(.photo)))
        ) { call in call.json(ReturnItem.Photo.json(try await call.photographed().item.photos)) },
        Route(
            .get, "/returns/{id}/items/{item}/photos/{photo}", "The bytes of a photo", .seeReturns,
            output: .file("image/*")
        ) { call in
            let id = call.path("photo")
            guard let photo = try await call.photographed().item.photos.first(where: { $0.id == id }) else {
                throw call.notFound("photo", id)
            }
            guard let bytes = try await call.ledger.photo(photo.digest) else {
                throw StorageError(
                    .damaged,
                    "the bytes of the photo \(id) are lost: no file has its digest; restore them from a back-up")
            }
            return ControlResponse(status: 200, contentType: photo.format.mediaType, body: .bytes(bytes))
        },
        Route(
            .post, "/returns/{id}/items/{item}/photos", "Add a photo to an item of an open return", .handleReturns,
            query: [
                .init("kind", .word(ReturnItem.Photo.Kind.self), "What it shows; `other` if not given."),
                .init("note", .note, "What there is to say to it."),
            ],
            input: .bytes(PhotoFormat.allCases.map(\.mediaType), limit: photoSize),
            output: .json(.named(.photo), status: 201)
        ) { call in
            guard let format = PhotoFormat(of: call.bytes) else {
                throw Problem(
                    .invalidArgument,
                    call.bytes.isEmpty
                        ? "cannot use an empty body: send the bytes of a photo"
                        : "this is no whole JPEG, PNG or WebP: by its bytes it is something else, or it was cut off")
            }
            let item = try await call.photographed().item.id
            let photo = ReturnItem.Photo(
                format: format, size: call.bytes.count, kind: call.word("kind") ?? .other,
                note: call.query["note"]?.string)
            return try await call.ledger.keepPhoto(call.bytes) { digest in
                var photo = photo
                photo.digest = digest
                return try await call.submit(.addPhoto(call.path("id"), item: item, photo), status: 201) {
                    state, decision in
                    state.returnItem(item)?.photos.first { $0.id == decision.created }.map(\.json) ?? [:]
                }
            }
        },
        Route(
            .delete, "/returns/{id}/items/{item}/photos/{photo}",
            "Delete a photo of an open return; its digest stays on record", .handleReturns,
            output: .json(.items(.named(.photo)))
        ) { call in
            let (item, id) = (try await call.photographed().item, call.path("photo"))
            let digests = item.photos.filter { $0.id == id }.map(\.digest)
            return try await call.ledger.dropPhotos(digests) {
                try await call.submit(.deletePhoto(call.path("id"), item: item.id, photo: id)) { state, _ in
                    ReturnItem.Photo.json(state.returnItem(item.id)?.photos ?? [])
                }
            }
        },
    ]
}

extension Call {
    /// The item that the path names.
    fileprivate func photographed() async throws -> RepackingRow {
        let found = try await returnItem(path("item"))
        guard found.item.customerReturn == path("id") else { throw notFound("item", path("item")) }
        return found
    }
}
