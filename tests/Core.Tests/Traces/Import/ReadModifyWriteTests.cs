using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using CsCheck;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>An instruction that loads and stores one place faults once, as a store.</summary>
public class ReadModifyWriteTests
{
    private const int Load = 0;
    private const int Store = 1;
    private const int Fetch = 10;
    private const int Bundle = 17;
    private const int Marker = 28;
    private const int NoFetch = 29;
    private static readonly Gen<int> Sizes = Gen.OneOf(Gen.Const(4), Gen.Const(8), Gen.Const(16));

    [Theory]
    [InlineData("I  1000,3\n M 00005000,4\n", "I 1\nW 5\n")]
    [InlineData("I  1000,3\n L 00005000,4\n M 00005000,4\n", "I 1\nW 5 2\n")]
    [InlineData("I  1000,3\n L 00005000,4\n S 00005000,4\n", "I 1\nW 5 2\n")]
    [InlineData("I  1000,3\n L 00005000,8\n L 00005008,8\n M 00005000,16\n", "I 1\nW 5 3\n")]
    [InlineData("I  1000,3\n L 00005ffc,8\n M 00005ffc,8\n", "I 1\nW 5 2\nW 6 2\n")]
    [InlineData("I  1000,3\n L 00007000,8\n L 00005000,8\n S 00005000,8\n", "I 1\nR 7\nW 5 2\n")]
    [InlineData("I  1000,3\n L 00005ff8,8\n L 00006000,8\n S 00005ff8,8\n S 00006000,8\n", "I 1\nW 5 2\nW 6 2\n")]
    public void Lackey_LoadOfWhatTheInstructionStoresTo_StandsBehindTheStore(string log, string records) =>
        Assert.EndsWith($"\nt 0\n{records}", References(log));

    [Theory]
    [InlineData("I  1000,3\n L 00005010,8\n S 00005000,8\n")]
    [InlineData("I  1000,3\n L 00005000,8\n S 00005000,4\n")]
    [InlineData("I  1000,3\n L 00005000,8\nI  1003,3\n S 00005000,8\n")]
    [InlineData("I  1000,3\n L 00005000,8\n--7--   SCHED[1]:  acquired lock (x)\n S 00005000,8\n")]
    [InlineData(" L 00005000,8\n S 00005000,8\n")]
    public void Lackey_LoadOfAnotherPlaceOrInstruction_KeepsItsOrder(string log) => Assert.EndsWith("\nR 5\nW 5\n", References(log));

    [Fact]
    public void Lackey_ManyLoadsInOneInstruction_AreAllThere()
    {
        string loads = string.Concat(Enumerable.Range(0, 40).Select(i => $" L {0x10000 + (i << 12):x8},8\n"));
        (ImportSummary summary, string text) = Logs.ImportText("lackey", $"I  1000,3\n{loads} S 00010000,8\n");
        Assert.Equal((1, 41), (summary.Fetches, summary.DataReferences));
        Assert.Equal(40, text.Split('\n').Count(line => line.StartsWith("R ", StringComparison.Ordinal)));
    }

    /// <summary>Faults of the imported records against faults of a machine that sees whole instructions.</summary>
    [Fact]
    public void Lackey_AnyInstructions_FaultAsOnTheMachine() =>
        Gen.Select(Gen.Select(Gen.Int[0, 63], Sizes).Array[0, 3], Gen.Int[-1, 63], Sizes)
            .Array[1, 60].Sample(instructions =>
            {
                StringBuilder log = new();
                PlainPages machine = new();
                foreach (((int Place, int Size)[] loads, int store, int size) in instructions)
                {
                    log.Append("I  1000,3\n");
                    foreach ((int Place, int Size) load in loads)
                    {
                        log.Append(CultureInfo.InvariantCulture, $" L {AddressOf(load.Place):x8},{load.Size}\n");
                    }

                    log.Append(store < 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" S {AddressOf(store):x8},{size}\n"));
                    machine.Run(
                        [.. loads.Select(load => (AddressOf(load.Place), load.Size))], store < 0 ? null : (AddressOf(store), size));
                }

                PlainPages replay = new();
                replay.Run(References(log.ToString()));
                Assert.Equal(machine.Faults, replay.Faults);
            }, iter: 500);

    [Fact]
    public void DrMemtrace_LoadAndStoreOfOnePlace_HaveTheStoreFirstAndBothCount()
    {
        (ImportSummary summary, string text) = Import(
            Record(Marker, 9, 0x40), Record(Fetch, 4, 0x1000), Record(Load, 8, 0x5000), Record(Store, 8, 0x5000),
            Record(NoFetch, 4, 0x1000), Record(Load, 8, 0x6000), Record(Store, 8, 0x6000),
            Record(Fetch, 4, 0x1004), Record(Marker, 15, 0x99000), Record(Load, 8, 0x7000), Record(Marker, 15, 0x99000),
            Record(Store, 8, 0x7000), Record(Bundle, 1, 3), Record(Load, 8, 0x8000), Record(Store, 8, 0x8000));
        Assert.EndsWith("\nW 5\nR 5\nW 6\nR 6\nW 7\nR 7\nW 8\nR 8\n", DataOf(text));
        Assert.Contains("4 loads and 4 stores.", summary.Notes);
    }

    [Fact]
    public void DrMemtrace_OtherPlacesOrInstructions_KeepTheirOrder()
    {
        (_, string text) = Import(
            Record(Marker, 9, 0x40), Record(Fetch, 4, 0x1000), Record(Load, 8, 0x5000), Record(Store, 8, 0x5008),
            Record(Fetch, 4, 0x1004), Record(Load, 8, 0x6000), Record(Fetch, 4, 0x1008), Record(Store, 8, 0x6000),
            Record(Fetch, 4, 0x100c), Record(Load, 8, 0x7000));
        Assert.EndsWith("\nR 5\nW 5\nR 6\nW 6\nR 7\n", DataOf(text));
    }

    /// <summary>An atomic instruction of AArch64 faults as a read first; a filtered recording lacks instructions.</summary>
    [Theory]
    [InlineData(0x08)]
    [InlineData(0x40 | 0x80)]
    public void DrMemtrace_ArmOrFiltered_KeepsItsOrder(ulong fileType)
    {
        (_, string text) = Import(
            Record(Marker, 9, fileType), Record(Fetch, 4, 0x1000), Record(Load, 8, 0x5000), Record(Store, 8, 0x5000));
        Assert.EndsWith("\nR 5\nW 5\n", DataOf(text));
    }

    [Theory]
    [InlineData(0x5000, 0x5000, "W 5\nR 5\n")]
    [InlineData(0x5000, 0x5008, "R 5\nW 5\n")]
    public void ChampSim_LoadAndStoreOfOnePlace_HaveTheStoreFirst(ulong load, ulong store, string records)
    {
        byte[] record = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(record, 0x401000);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(16), store);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(32), load);
        (ImportSummary summary, string text) = Logs.Import("champsim", new MemoryStream(record));
        Assert.Equal((1, 2), (summary.Fetches, summary.DataReferences));
        Assert.EndsWith($"\n{records}", DataOf(text));
    }

    /// <summary>Places of 8 bytes in eight stretches that lie across the ends of pages.</summary>
    private static ulong AddressOf(int place) => 0x10FD0 + ((ulong)(place / 8) << 12) + (ulong)(place % 8 * 8);

    private static string References(string log) => Logs.ImportText("lackey", log).Text;

    private static (ImportSummary Summary, string Text) Import(params byte[][] records) =>
        Logs.Import("drmemtrace", new MemoryStream([.. records.SelectMany(record => record)]));

    /// <summary>The loads and stores of a trace, a line each.</summary>
    private static string DataOf(string text) =>
        "\n" + string.Concat(text.Split('\n').Where(line => line.Length > 0 && line[0] is 'R' or 'W').Select(line => line + "\n"));

    private static byte[] Record(int type, int size, ulong value)
    {
        byte[] record = new byte[12];
        BinaryPrimitives.WriteUInt16LittleEndian(record, (ushort)type);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(2), (ushort)size);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(4), value);
        return record;
    }

    /// <summary>Fresh anonymous pages: a load maps the page of zeros, a store the thread's own page.</summary>
    private sealed class PlainPages
    {
        private readonly Dictionary<ulong, bool> _isOwn = [];

        public int Faults { get; private set; }

        /// <summary>An instruction: a load that is all within the store is no access of its own.</summary>
        public void Run((ulong Address, int Size)[] loads, (ulong Address, int Size)? store)
        {
            foreach ((ulong address, int size) in loads)
            {
                if (store is not { } to || address < to.Address || address + (ulong)size > to.Address + (ulong)to.Size)
                {
                    Use(address, size, isStore: false);
                }
            }

            if (store is { } target)
            {
                Use(target.Address, target.Size, isStore: true);
            }
        }

        /// <summary>The records of a trace.</summary>
        public void Run(string trace)
        {
            foreach (string line in trace.Split('\n'))
            {
                if (line.Length > 0 && line[0] is 'R' or 'W')
                {
                    Touch(ulong.Parse(line.Split(' ')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture), line[0] == 'W');
                }
            }
        }

        private void Use(ulong address, int size, bool isStore)
        {
            for (ulong page = address >> 12; page <= (address + (ulong)size - 1) >> 12; page++)
            {
                Touch(page, isStore);
            }
        }

        private void Touch(ulong page, bool isStore)
        {
            if (!_isOwn.TryGetValue(page, out bool isOwn) || (isStore && !isOwn))
            {
                Faults++;
                _isOwn[page] = isStore;
            }
        }
    }
}
