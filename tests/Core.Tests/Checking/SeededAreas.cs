using System.Reflection;
using VmSim.Core.Mapping;
using VmSim.Core.Memory;

namespace VmSim.Core.Tests.Checking;

/// <summary>What no code of vmsim can do to areas.</summary>
internal static class SeededAreas
{
    private const BindingFlags Inside = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    /// <summary>Lets the first area end a page later, over the area behind it, if there is one.</summary>
    public static void Overlap(VirtualMemory memory)
    {
        object set = typeof(VirtualMemory).GetField("_set", Inside)!.GetValue(memory)!;
        Type type = set.GetType();
        while (type.GetField("_tree", Inside) is null)
        {
            type = type.BaseType!;
        }

        object tree = type.GetField("_tree", Inside)!.GetValue(set)!;
        object first = Ask("FirstReaching", 0UL);
        object next = Ask("Next", first);
        if (!next.Equals(AreaPosition.None))
        {
            tree.GetType().GetMethod("SetLast")!.Invoke(tree, [first, (ulong)Ask("StartAt", next) + 0xFFF]);
        }

        object Ask(string method, object argument) => tree.GetType().GetMethod(method)!.Invoke(tree, [argument])!;
    }
}
