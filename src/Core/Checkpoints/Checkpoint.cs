using System.Security.Cryptography;
using System.Text;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Scenarios;

namespace VmSim.Core.Checkpoints;

/// <summary>
/// Writes down everything that is simulated, at the end of a window, and puts another world of the same scenario there. Run on, that world
/// ends with the same report. State is plain data, so that a backend or a shootdown protocol needs no code for it. Of a run on several
/// nodes each writes its part, and the parts together are a checkpoint like any other (<see cref="CheckpointPart"/>).
/// </summary>
/// <remarks>
/// <para>What a scenario says is in a checkpoint for comparison alone, and its programs are not: a thread's operations are read again up to
/// where it stood. The scenario of the world that goes on may have another end (<see cref="ScenarioSpec.Until"/>).</para>
/// <para>The bytes depend on the host's byte order and on how classes are laid out in this build: another build refuses them. A hash finds
/// damage, not malice: restore what a run of your own has written.</para>
/// </remarks>
public static class Checkpoint
{
    private const uint Magic = 0x5043_4D56;
    private const int Version = 2;
    private const int BufferBytes = 1 << 18;

    /// <summary>Writes everything that a world has come to.</summary>
    /// <param name="world">A world that no engine runs on; at the end of a window.</param>
    /// <param name="stream">Where to; it stays open.</param>
    /// <exception cref="NotSupportedException">
    /// A shootdown protocol or backend keeps what is not plain data, such as a delegate; the message says where.
    /// </exception>
    public static void Save(World world, Stream stream) =>
        Write(world, stream, 1, data => CheckpointPart.Write(RunPart.Whole(world), data));

    /// <summary>Writes what a node has come to, as a part of a checkpoint.</summary>
    /// <param name="part">What the node has simulated; no engine runs on it, and all nodes are at the end of a window.</param>
    /// <param name="stream">Where to; it stays open.</param>
    /// <exception cref="NotSupportedException">As for <see cref="Save"/>, or a checker watches, which knows all cores.</exception>
    public static void SavePart(RunPart part, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(part);
        using BinaryWriter data = new(stream, Encoding.UTF8, leaveOpen: true);
        CheckpointPart.Write(part, data);
    }

    /// <summary>Writes a checkpoint of the parts of all nodes.</summary>
    /// <param name="world">A world of the scenario; how far it has come does not matter.</param>
    /// <param name="parts">What <see cref="SavePart"/> wrote on each node, in pieces: it may be more than one array holds.</param>
    /// <param name="stream">Where to; it stays open.</param>
    public static void Join(World world, IReadOnlyCollection<IReadOnlyList<byte[]>> parts, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(parts);
        Write(world, stream, parts.Count, data =>
        {
            foreach (byte[] piece in parts.SelectMany(part => part))
            {
                data.Write(piece);
            }
        });
    }

    private static void Write(World world, Stream stream, int parts, Action<BinaryWriter> write)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(stream);
        using SHA256 hash = SHA256.Create();
        using (CryptoStream hashed = new(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
        using (BufferedStream buffered = new(hashed, BufferBytes))
        using (BinaryWriter data = new(buffered, Encoding.UTF8))
        {
            data.Write(Magic);
            data.Write(Version);
            foreach ((string _, string value) in Identity(world))
            {
                data.Write(value);
            }

            data.Write(parts);
            write(data);
        }

        stream.Write(hash.Hash!);
    }

    /// <summary>Puts a world to where another one was written.</summary>
    /// <param name="world">A world of the same scenario, at time 0. After an exception it is of no use.</param>
    /// <param name="stream">Where from; it can seek, and ends with the checkpoint.</param>
    /// <exception cref="InvalidDataException">
    /// The data are no checkpoint, or are damaged, or of another build, or of a world that differs.
    /// </exception>
    public static void Restore(World world, Stream stream)
    {
        long end = Begin(world, stream, out BinaryReader data);
        using (data)
        {
            CheckpointPart.ReadAll(world, data);
        }

        stream.Position = end;
    }

    /// <summary>Finds out whether a checkpoint is whole, and of worlds like this one; <see cref="Restore"/> may find more.</summary>
    /// <param name="world">A world, which stays as it is.</param>
    /// <param name="stream">Where from; it can seek, and ends with the checkpoint.</param>
    /// <exception cref="InvalidDataException">As for <see cref="Restore"/>.</exception>
    public static void RequireWhole(World world, Stream stream)
    {
        Begin(world, stream, out BinaryReader data);
        data.Dispose();
    }

    /// <summary>Checks a checkpoint, up to where its parts begin.</summary>
    /// <returns>Its end.</returns>
    private static long Begin(World world, Stream stream, out BinaryReader data)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(stream);
        long start = stream.Position;
        CheckMagic(stream);
        long end = CheckHash(stream, start);
        stream.Position = start + sizeof(uint);
        data = new(new BufferedStream(stream, BufferBytes), Encoding.UTF8, leaveOpen: true);
        int version = data.ReadInt32();
        Require(version == Version, $"it has version {version}; this program reads version {Version}");
        foreach ((string what, string value) in Identity(world))
        {
            string found = data.ReadString();
            (string itsOwn, string needed) = FirstDifference(found, value);
            Require(found == value, $"its {what} is {itsOwn}; of the world that it is for, {needed}");
        }

        return end;
    }

    /// <summary>What two worlds must have in common.</summary>
    private static IEnumerable<(string What, string Value)> Identity(World world)
    {
        yield return ("build of vmsim", $"{typeof(Checkpoint).Module.ModuleVersionId} {typeof(VirtAddr).Module.ModuleVersionId}");

        // Operations are read again, so that another build of a trace's reader could tell another story; readers are not always part of
        // this assembly.
        yield return ("build of the programs", string.Join(' ', world.Threads.Select(thread => thread.ProgramBuild).Distinct().Order()));
        yield return ("shootdown protocol", $"{world.Protocol.Name} {world.Protocol.GetType().Module.ModuleVersionId}");
        yield return ("list of shootdown settings", world.Scenario.Shootdown.ProtocolSettings.ToString());
        yield return ("page-table format", $"{world.Format.Name} {world.Format.GetType().Module.ModuleVersionId}");
        IEnumerable<string> plugIns = world.Scenario.PlugIns.Select(
            plugIn => $"{plugIn.Name} {plugIn.Assembly.ManifestModule.ModuleVersionId}");
        yield return ("list of plug-ins", string.Join(", ", plugIns));
        yield return ("seed", $"{world.Scenario.Seed}");
        yield return ("number of cores", $"{world.Cores.Count}");
        yield return ("machine", world.Scenario.Machine.ToString());
        yield return ("kernel", world.Scenario.Kernel.ToString());
        yield return ("memory", world.Scenario.Memory.ToString());
        yield return ("placement of threads", world.Scenario.Threads.ToString());
        yield return ("warmup in cycles", $"{world.Scenario.Warmup}");
        yield return ("list of processes", string.Join(", ", world.Scenario.Processes.Select(Describe)));
        yield return ("list of address spaces", string.Join(", ", world.Spaces.Select(space => space.Name)));
        yield return (
            "list of threads", string.Join(", ", world.Threads.Select(thread => $"{thread.Name} with {thread.SystemCalls.Count} calls")));
        yield return ("window bound in cycles", $"{world.Delays.WindowBound}");
        yield return ("checker", world.Checker is null ? "off" : "on");
    }

    private static string Describe(ProcessSpec process) =>
        string.Join(
            ", ", process.Settings.Select(setting => $"{setting.Key} = {setting.Value}").Prepend($"{process.Count} of {process.Name}"));

    /// <summary>Of two texts with commas, the first parts that differ.</summary>
    private static (string First, string Second) FirstDifference(string first, string second)
    {
        string[] ones = first.Split(", ");
        string[] others = second.Split(", ");
        int at = 0;
        while (at < ones.Length && at < others.Length && ones[at] == others[at])
        {
            at++;
        }

        return (at < ones.Length ? ones[at] : "shorter", at < others.Length ? others[at] : "shorter");
    }

    private static void CheckMagic(Stream stream)
    {
        Span<byte> magic = stackalloc byte[sizeof(uint)];
        bool isWhole = stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length;
        Require(isWhole && BitConverter.ToUInt32(magic) == Magic, "the data are none");
    }

    /// <summary>Reads to the end, and compares with the hash that stands there.</summary>
    /// <returns>The end.</returns>
    private static long CheckHash(Stream stream, long start)
    {
        long end = stream.Length;
        long left = end - start - SHA256.HashSizeInBytes;
        Require(left > 0, "it is cut short");
        stream.Position = start;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[BufferBytes];
        while (left > 0)
        {
            int count = (int)Math.Min(left, buffer.Length);
            stream.ReadExactly(buffer, 0, count);
            hash.AppendData(buffer, 0, count);
            left -= count;
        }

        byte[] expected = new byte[SHA256.HashSizeInBytes];
        stream.ReadExactly(expected);
        Require(expected.AsSpan().SequenceEqual(hash.GetHashAndReset()), "it is damaged or cut short");
        return end;
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidDataException($"Checkpoint: {what}.");
        }
    }
}
