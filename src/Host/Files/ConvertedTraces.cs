using System.Security.Cryptography;
using VmSim.Actors.Configuration;
using VmSim.Core.Traces;
using VmSim.Host.Terminal;

namespace VmSim.Host.Files;

/// <summary>
/// Keeps traces of text in their binary form in the user's cache, by the digest of their bytes. One is written while it is read for the
/// first time, and appears when it has been read to its end. Whatever goes wrong with keeping it, the text is read.
/// </summary>
/// <param name="folder">Where they are; null for the folder traces of <see cref="UserCache"/>.</param>
/// <param name="least">Bytes of the smallest file that is kept.</param>
/// <param name="most">Bytes that are kept at most; those used last stay.</param>
internal sealed class ConvertedTraces(string? folder = null, long least = 1 << 20, long most = 4L << 30) : IConvertedTraces
{
    /// <summary>What is kept is of this version of the reader and the binary form.</summary>
    private const int Version = 1;

    /// <summary>zstd's fastest: what is kept is read more often than it is moved.</summary>
    private const int Level = 1;

    private const string Ending = ".vmtb";

    /// <inheritdoc/>
    public IVmtSource? Open(FileStream trace, string name)
    {
        ArgumentNullException.ThrowIfNull(trace);
        if (trace.Length < least || IsBinary(trace))
        {
            return null;
        }

        try
        {
            string place = UserCache.Make(folder ?? Path.Combine(UserCache.Folder(), "traces"));
            string kept = Path.Combine(place, $"{DigestOf(trace)}-{Version}{Ending}");
            return UserCache.RequireOurs(kept, FileKind.Regular) ? new Kept(kept, name) : new Converting(trace, name, kept, most);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException or UsageException)
        {
            trace.Position = 0;
            return null;
        }
    }

    private static bool IsBinary(FileStream trace)
    {
        Span<byte> head = stackalloc byte[VmtBinary.Magic.Length];
        int length = trace.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        trace.Position = 0;
        return head[..length].SequenceEqual(VmtBinary.Magic);
    }

    /// <summary>Removes what is not used any more; where that may not be done, it stays.</summary>
    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            // what is not used does no harm
        }
    }

    private static string DigestOf(FileStream trace)
    {
        byte[] digest = SHA256.HashData(trace);
        trace.Position = 0;
        return Convert.ToHexStringLower(digest);
    }

    /// <summary>A trace that was kept. One that is damaged is removed, so that it is made anew.</summary>
    private sealed class Kept : IVmtSource, IDisposable
    {
        private readonly string _path;
        private readonly FileStream _file;
        private readonly VmtBinaryReader _reader;

        public Kept(string path, string name)
        {
            _path = path;
            _file = System.IO.File.OpenRead(path);
            try
            {
                System.IO.File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
                _reader = new VmtBinaryReader(TraceFiles.Ahead(new VmtBlockReader(_file, name)));
            }
            catch (Exception reason)
            {
                _file.Dispose();
                if (reason is TraceFormatException)
                {
                    TryDelete(path);
                }

                throw;
            }
        }

        public string File => _reader.File;

        public bool Read(ref VmtRecord record)
        {
            try
            {
                return _reader.Read(ref record);
            }
            catch (TraceFormatException)
            {
                TryDelete(_path);
                throw;
            }
        }

        public int ReadAccesses(Span<VmtAccess> accesses)
        {
            try
            {
                return _reader.ReadAccesses(accesses);
            }
            catch (TraceFormatException)
            {
                TryDelete(_path);
                throw;
            }
        }

        public TraceFormatException Bad(string found, string allowed) => _reader.Bad(found, allowed);

        public void Dispose()
        {
            _reader.Dispose();
            _file.Dispose();
        }
    }

    /// <summary>A text that is kept once it has been read to its end, if its bytes were those of its digest.</summary>
    private sealed class Converting : IVmtSource, IDisposable
    {
        private readonly string _kept;
        private readonly long _most;
        private readonly DigestStream _bytes;
        private readonly IVmtSource _text;
        private OutputFile? _output;
        private VmtBinaryWriter? _writer;

        public Converting(FileStream trace, string name, string kept, long most)
        {
            _kept = kept;
            _most = most;
            _output = new OutputFile(kept, "converted trace");
            _bytes = new DigestStream(trace);
            try
            {
                _writer = new VmtBinaryWriter(_output.Stream, Level);
                _text = TraceSources.OpenToKeep(_bytes, name);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public string File => _text.File;

        public bool Read(ref VmtRecord record)
        {
            bool isThere = _text.Read(ref record);
            try
            {
                if (isThere)
                {
                    _writer?.Write(record);
                }
                else
                {
                    Keep();
                }
            }
            catch (IOException)
            {
                GiveUp();
            }

            return isThere;
        }

        public TraceFormatException Bad(string found, string allowed) => _text.Bad(found, allowed);

        public void Dispose()
        {
            GiveUp();
            _bytes.Dispose();
        }

        private void Keep()
        {
            if (_writer is null || !Path.GetFileName(_kept).StartsWith($"{_bytes.Digest()}-", StringComparison.Ordinal))
            {
                GiveUp();
                return;
            }

            _writer.Dispose();
            _writer = null;
            _output!.Complete();
            _output = null;
            Trim(Path.GetDirectoryName(_kept)!);
        }

        private void GiveUp()
        {
            // the writer ends its file where it stands, which then goes
            try
            {
                _writer?.Dispose();
            }
            catch (IOException)
            {
                // there is no room for it, and none is needed
            }

            _writer = null;
            _output?.Dispose();
            _output = null;
        }

        private void Trim(string folder)
        {
            long left = _most;
            FileInfo[] files = new DirectoryInfo(folder).GetFiles($"*{Ending}");
            foreach (FileInfo file in files.OrderByDescending(file => file.LastWriteTimeUtc))
            {
                left -= file.Length;
                if (left < 0)
                {
                    TryDelete(file.FullName);
                }
            }

            // what a process that was killed has left aside
            DateTime old = DateTime.UtcNow.AddDays(-1);
            foreach (FileInfo aside in new DirectoryInfo(folder).GetFiles(".*").Where(file => file.LastWriteTimeUtc < old))
            {
                TryDelete(aside.FullName);
            }
        }
    }

    /// <summary>Counts in a digest what is read of a stream. The stream stays open.</summary>
    private sealed class DigestStream(Stream inner) : ReadOnlyStream
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public string Digest() => Convert.ToHexStringLower(_hash.GetCurrentHash());

        public override int Read(Span<byte> buffer)
        {
            int length = inner.Read(buffer);
            _hash.AppendData(buffer[..length]);
            return length;
        }

        protected override void Dispose(bool disposing)
        {
            _hash.Dispose();
            base.Dispose(disposing);
        }
    }
}
