using System.Runtime.InteropServices;

namespace VmSim.Core.Mapping;

/// <content>The arrays of inner nodes.</content>
internal partial struct AreaTree<TFlags, TBackend>
{
    /// <summary>The arrays of inner nodes, apart from the tree so that a small set is small.</summary>
    private sealed class InnerNodes
    {
        public static readonly InnerNodes None = new();

        public ulong[] Keys = [];
        public ulong[] Lasts = [];
        public ulong[] Gaps = [];
        public int[] Children = [];
        public AlignedBounds[] Columns = [];
        public Inner[] Nodes = [];
        public int Used;
        public int Free = -1;

        public void Grow()
        {
            int length = Used + Math.Max(1, Used / 4);
            int before = Keys.Length;
            Array.Resize(ref Nodes, length);
            Array.Resize(ref Keys, length << CapacityShift);
            Array.Resize(ref Lasts, length << CapacityShift);
            Array.Resize(ref Gaps, length << CapacityShift);
            Array.Resize(ref Children, length << CapacityShift);
            Array.Fill(Keys, Unused, before, Keys.Length - before);
            foreach (AlignedBounds column in Columns)
            {
                Array.Resize(ref column.Bounds, Keys.Length);
            }
        }

        /// <summary>What is known of aligned free ranges for an alignment; null if nothing is.</summary>
        public ulong[]? BoundsFor(ulong align)
        {
            foreach (AlignedBounds column in Columns)
            {
                if (column.Align == align)
                {
                    return column.Bounds;
                }
            }

            return null;
        }

        /// <summary>Begins to remember bounds for an alignment; none is known yet.</summary>
        public ulong[] AddBounds(ulong align)
        {
            AlignedBounds column = new() { Align = align, Bounds = new ulong[Keys.Length] };
            Array.Fill(column.Bounds, Unused);
            Columns = [.. Columns, column];
            return column.Bounds;
        }

        public void CopyBounds(int source, int target, int count)
        {
            foreach (AlignedBounds column in Columns)
            {
                Array.Copy(column.Bounds, source, column.Bounds, target, count);
            }
        }

        /// <summary>Raises the bounds of an element to a length.</summary>
        public void Loosen(int at, ulong length)
        {
            foreach (AlignedBounds column in Columns)
            {
                column.Bounds[at] = Math.Max(column.Bounds[at], length);
            }
        }
    }

    /// <summary>
    /// For each element: no free range below the child, cut down to multiples of the alignment, is longer. Highest number: unknown.
    /// </summary>
    private sealed class AlignedBounds
    {
        public ulong Align;
        public ulong[] Bounds = [];
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Inner
    {
        public int Count;
        public int Parent;
    }
}
