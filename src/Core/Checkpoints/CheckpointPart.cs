using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;

namespace VmSim.Core.Checkpoints;

/// <summary>
/// What one node has of a checkpoint: its cores, groups and threads with all that they refer to. Nothing in a part refers into another one
/// but to what every world has from its beginning, so parts are written apart and read one after another.
/// </summary>
internal static class CheckpointPart
{
    /// <summary>Writes a part.</summary>
    /// <exception cref="NotSupportedException">It keeps what is not plain data, or a checker watches a world in several parts.</exception>
    public static void Write(RunPart part, BinaryWriter data)
    {
        World world = part.World;
        if (world.Checker is not null && part.Cores.Count < world.Cores.Count)
        {
            throw new NotSupportedException("the translation checker watches all cores, so that its state is not in parts");
        }

        WriteNumbers(data, part.Cores.Select(core => core.Core.Value));
        WriteNumbers(data, part.Groups.Select(group => group.Index));
        WriteNumbers(data, part.Threads.Select(thread => thread.Id.Value));

        // Where a thread goes that left a core of this node is known here until it runs elsewhere.
        SimThread[] left = [.. world.Threads.Where(thread => thread.Moved == ThreadMove.Left)];
        WriteNumbers(data, left.SelectMany(thread => (int[])[thread.Id.Value, thread.Home.Value]));
        WriteMisses(world, data);
        KnownObjects known = new(world);
        StateWriter writer = new(data, known);
        foreach (object value in known.StatefulOf(part))
        {
            writer.WriteKnown(value);
        }
    }

    /// <summary>Reads all parts of a checkpoint.</summary>
    /// <param name="world">The world that is put there.</param>
    /// <param name="data">Where from.</param>
    /// <exception cref="InvalidDataException">The parts do not make up the world.</exception>
    public static void ReadAll(World world, BinaryReader data)
    {
        int parts = data.ReadInt32();
        KnownObjects known = new(world);
        List<int> cores = [];
        List<int> groups = [];
        List<int> threads = [];
        Dictionary<int, int> partOfCore = [];
        Dictionary<int, int> partOfThread = [];
        Dictionary<(int Part, int Thread), int> left = [];
        world.RefillMisses.Clear();
        for (int number = 0; number < parts; number++)
        {
            int[] partCores = ReadNumbers(data, world.Cores.Count);
            int[] partGroups = ReadNumbers(data, world.Groups.Count);
            int[] partThreads = ReadNumbers(data, world.Threads.Count);
            int[] moves = ReadNumbers(data, Math.Max(world.Threads.Count, world.Cores.Count));
            Array.ForEach(partCores, core => partOfCore[core] = number);
            Array.ForEach(partThreads, thread => partOfThread[thread] = number);
            for (int i = 0; i + 1 < moves.Length; i += 2)
            {
                left[(number, moves[i])] = moves[i + 1];
            }

            ReadMisses(world, data);
            RunPart part = new(
                world,
                [.. partCores.Select(core => world.Cores[core])],
                [.. partGroups.Select(group => world.Groups[group])],
                [.. partThreads.Select(thread => world.Threads[thread])]);
            StateReader reader = new(data, known);
            foreach (object value in known.StatefulOf(part))
            {
                reader.ReadKnown(value);
            }

            cores.AddRange(partCores);
            groups.AddRange(partGroups);
            threads.AddRange(partThreads);
        }

        RequireAll(cores, world.Cores.Count, "core");
        RequireAll(groups, world.Groups.Count, "group of address spaces");
        RequireAll(threads, world.Threads.Count, "thread");
        if (parts > 1)
        {
            Join(world, thread =>
                partOfCore[thread.Core.Value] is int ran && ran != partOfThread[thread.Id.Value] && left.TryGetValue(
                    (ran, thread.Id.Value), out int target) ? new CoreId(target) : thread.Home);
        }

        foreach (SimThread thread in world.Threads)
        {
            thread.Reopen();
        }
    }

    /// <summary>Puts right what is each node's own: a world of all parts is one that no node shares.</summary>
    private static void Join(World world, Func<SimThread, CoreId> homeOf)
    {
        foreach (SimThread thread in world.Threads)
        {
            thread.Home = homeOf(thread);
            thread.Settle();
        }

        foreach (AddressSpace space in world.Spaces)
        {
            space.Tables.ForgetChanges();
        }

        foreach (GuestMachine guest in world.Pools.Select(pool => pool.Guest).OfType<GuestMachine>())
        {
            guest.Table.LogsChanges = false;
        }
    }

    private static void RequireAll(List<int> numbers, int count, string what)
    {
        numbers.Sort();
        if (!numbers.SequenceEqual(Enumerable.Range(0, count)))
        {
            throw new InvalidDataException($"the checkpoint does not have each {what} once");
        }
    }

    private static void WriteNumbers(BinaryWriter data, IEnumerable<int> numbers)
    {
        int[] all = [.. numbers];
        data.Write(all.Length);
        Array.ForEach(all, data.Write);
    }

    private static int[] ReadNumbers(BinaryReader data, int below)
    {
        int count = data.ReadInt32();
        if (count < 0 || count > 2 * below)
        {
            throw new InvalidDataException($"the checkpoint has a list of {count}");
        }

        int[] numbers = new int[count];
        for (int i = 0; i < count; i++)
        {
            numbers[i] = data.ReadInt32();
            if (numbers[i] < 0 || numbers[i] >= below)
            {
                throw new InvalidDataException($"the checkpoint names {numbers[i]}; numbers below {below} are there");
            }
        }

        return numbers;
    }

    private static void WriteMisses(World world, BinaryWriter data)
    {
        (int Space, int Shootdown, int Count)[] misses =
        [
            .. Enumerable.Range(0, world.SpaceCount)
                .SelectMany(space => world.RefillMisses.Of(space).Select(miss => (space, miss.Key, miss.Value))),
        ];
        data.Write(misses.Length);
        foreach ((int space, int shootdown, int count) in misses)
        {
            data.Write(space);
            data.Write(shootdown);
            data.Write(count);
        }
    }

    private static void ReadMisses(World world, BinaryReader data)
    {
        for (int left = data.ReadInt32(); left > 0; left--)
        {
            int space = data.ReadInt32();
            int shootdown = data.ReadInt32();
            if (space < 0 || space >= world.SpaceCount || shootdown < 0)
            {
                throw new InvalidDataException($"the checkpoint has shootdown {shootdown} of space {space} of {world.SpaceCount}");
            }

            world.RefillMisses.Add(space, shootdown, data.ReadInt32());
        }
    }
}
