using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Paging;
using VmSim.Core.Settings;

namespace VmSim.Core.Checkpoints;

/// <summary>
/// The objects that every world of a scenario has from its beginning, in one order. What never changes comes first, such as the scenario
/// and its programs; then come cores, address spaces and what belongs to them.
/// </summary>
internal sealed class KnownObjects
{
    private readonly List<object> _objects = [];
    private readonly Dictionary<object, int> _numbers = new(ReferenceEqualityComparer.Instance);
    private readonly int _constants;

    public KnownObjects(World world)
    {
        AddConstants(world);
        _constants = _objects.Count;
        AddStates(world);
    }

    /// <summary>The plug-ins of the world.</summary>
    public PlugInSet PlugIns { get; private set; } = PlugInSet.None;

    /// <summary>
    /// Those of a part that have a state of their own. The world and its domains have none that is not a part's: what their fields refer to
    /// stays, but for counts that are sums over all parts.
    /// </summary>
    public IEnumerable<object> StatefulOf(RunPart part)
    {
        HashSet<object> own = new(ReferenceEqualityComparer.Instance);
        own.UnionWith(part.Groups);
        own.UnionWith(part.Threads);
        foreach (AddressSpace space in part.World.Spaces.Where(space => own.Contains(space.Group)).ToArray())
        {
            own.UnionWith(StatesOf(space));
        }

        foreach (MemoryPool pool in part.Groups.SelectMany(group => group.Pools))
        {
            own.UnionWith(StatesOf(pool));
        }

        foreach (CoreModel core in part.Cores)
        {
            own.UnionWith(StatesOf(core));
        }

        // A checker watches all of a world, which is one part then.
        return _objects.Skip(_constants).Where(value => own.Contains(value) || value is TranslationChecker);
    }

    /// <summary>Whether an object is one of those that never change.</summary>
    public bool IsConstant(object value) => _numbers.TryGetValue(value, out int number) && number < _constants;

    /// <summary>The object of a number.</summary>
    public object this[int number] =>
        (uint)number < (uint)_objects.Count
            ? _objects[number]
            : throw new InvalidDataException($"the checkpoint names object {number} of {_objects.Count}");

    /// <summary>The number of an object; null if it is none of these.</summary>
    public int? NumberOf(object value) => _numbers.TryGetValue(value, out int number) ? number : null;

    private void AddConstants(World world)
    {
        Add(world.Scenario);
        Add(world.Scenario.Machine);
        Add(world.Scenario.Kernel);
        Add(world.Scenario.Memory);
        Add(world.Protocol);
        Add(world.Delays);
        PlugIns = world.Scenario.PlugIns;
        Add(world.Format);
        AddAll(PageTableFormats.All);
        foreach (AddressSpace space in world.Spaces)
        {
            Add(space.Image);
            AddAll(space.Image.Threads);
            if (space.Memory is { } memory)
            {
                // A forked child has its parent's, which has been added before.
                Add(memory.Options);
                AddAll(memory.Options.Backends.Select(kind => kind.Instance).OfType<object>());
            }
        }
    }

    private void AddStates(World world)
    {
        Add(world);
        AddAll(world.Domains);
        AddAll(world.Groups);
        AddAll(world.Spaces.SelectMany(StatesOf));
        AddAll(world.Pools.SelectMany(StatesOf));
        AddAll(world.Threads);
        AddAll(world.Cores.SelectMany(StatesOf));

        if (world.Checker is { } checker)
        {
            Add(checker);
        }
    }

    private static IEnumerable<object> StatesOf(AddressSpace space) =>
        [space, .. Enumerable.Range(0, space.Tables.Count).Select(table => space.Tables[table])];

    private static IEnumerable<object> StatesOf(MemoryPool pool) => pool.Guest is { } guest ? [pool, guest.Table] : [pool];

    private static IEnumerable<object> StatesOf(CoreModel core) => [core, core.Mmu, .. core.Mmu.NativeStates];

    private void AddAll(IEnumerable<object> values)
    {
        foreach (object value in values)
        {
            Add(value);
        }
    }

    private void Add(object value)
    {
        if (_numbers.TryAdd(value, _objects.Count))
        {
            _objects.Add(value);
        }
    }
}
